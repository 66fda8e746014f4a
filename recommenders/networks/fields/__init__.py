"""Models of fields: features of users and items, one base for all that read them."""

from recommenders.networks.fields.behaviours import BehaviourConfig, BehaviourNetwork, Behaviours
from recommenders.networks.fields.factorisation import FactorisationMachine
from recommenders.networks.fields.feature_model import Block, FeatureModel, FieldConfig, FieldNetwork, Inputs
from recommenders.networks.fields.features import Features, Field, Histories, Places, Slots

__all__ = [
    "BehaviourConfig",
    "BehaviourNetwork",
    "Behaviours",
    "Block",
    "FactorisationMachine",
    "FeatureModel",
    "Features",
    "Field",
    "FieldConfig",
    "FieldNetwork",
    "Histories",
    "Inputs",
    "Places",
    "Slots",
]
