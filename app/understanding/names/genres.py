"""What people say for a genre, and what a catalogue may call it; only applied where the catalogue has the target.

Targets are tried in order and compared folded, so "Children's" serves a catalogue that says Children or Family.
"""

CHILDREN = ("Children's", "Children", "Family", "Kids")
SCIENCE_FICTION = ("Sci-Fi", "Science Fiction", "SF")
ROMANCE = ("Romance", "Romantic")
NOIR = ("Film-Noir", "Noir")
DOCUMENTARY = ("Documentary", "Documentaries")
ANIMATION = ("Animation", "Animated", "Cartoon")

# what people say -> every genre that they mean (all of them), each with the names it may go by
SYNONYMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "scary": (("Horror",),),
    "scarier": (("Horror",),),
    "scare": (("Horror",),),
    "scares": (("Horror",),),
    "creepy": (("Horror",),),
    "creepier": (("Horror",),),
    "spooky": (("Horror",),),
    "frightening": (("Horror",),),
    "terrifying": (("Horror",),),
    "slasher": (("Horror",),),
    "horrors": (("Horror",),),
    "zombie movie": (("Horror",),),
    "funny": (("Comedy",),),
    "funnier": (("Comedy",),),
    "hilarious": (("Comedy",),),
    "humorous": (("Comedy",),),
    "humor": (("Comedy",),),
    "humour": (("Comedy",),),
    "comedic": (("Comedy",),),
    "comic": (("Comedy",),),
    "comical": (("Comedy",),),
    "slapstick": (("Comedy",),),
    "satire": (("Comedy",),),
    "make me laugh": (("Comedy",),),
    "a laugh": (("Comedy",),),
    "laughs": (("Comedy",),),
    "lighter": (("Comedy",),),
    "light hearted": (("Comedy",),),
    "lighthearted": (("Comedy",),),
    "something light": (("Comedy",),),
    "cheerful": (("Comedy",),),
    "feel good": (("Comedy",),),
    "sci fi": (SCIENCE_FICTION,),
    "scifi": (SCIENCE_FICTION,),
    "scify": (SCIENCE_FICTION,),
    "science fiction": (SCIENCE_FICTION,),
    "rom com": (ROMANCE, ("Comedy",)),
    "romcom": (ROMANCE, ("Comedy",)),
    "rom coms": (ROMANCE, ("Comedy",)),
    "romcoms": (ROMANCE, ("Comedy",)),
    "romantic": (ROMANCE,),
    "love story": (ROMANCE,),
    "love stories": (ROMANCE,),
    "chick flick": (ROMANCE,),
    "chick flicks": (ROMANCE,),
    "dramatic": (("Drama",),),
    "dramedy": (("Comedy",), ("Drama",)),
    "thrilling": (("Thriller",),),
    "suspense": (("Thriller",),),
    "suspenseful": (("Thriller",),),
    "tense": (("Thriller",),),
    "exciting": (("Action", "Thriller"),),
    "action packed": (("Action",),),
    "whodunit": (("Mystery",),),
    "whodunnit": (("Mystery",),),
    "detective": (("Mystery", "Crime"),),
    "mysteries": (("Mystery",),),
    "gangster": (("Crime",),),
    "mafia": (("Crime",),),
    "mob": (("Crime",),),
    "heist": (("Crime",),),
    "cartoon": (ANIMATION,),
    "cartoons": (ANIMATION,),
    "animated": (ANIMATION,),
    "animations": (ANIMATION,),
    "anime": (("Anime", "Animation"),),
    "kids": (CHILDREN,),
    "kid": (CHILDREN,),
    "children": (CHILDREN,),
    "childrens": (CHILDREN,),
    "family": (CHILDREN,),
    "family friendly": (CHILDREN,),
    "kid friendly": (CHILDREN,),
    "child friendly": (CHILDREN,),
    "for the whole family": (CHILDREN,),
    "documentaries": (DOCUMENTARY,),
    "documentary": (DOCUMENTARY,),
    "doc": (DOCUMENTARY,),
    "docs": (DOCUMENTARY,),
    "docu": (DOCUMENTARY,),
    "musicals": (("Musical", "Musicals", "Music"),),
    "noir": (NOIR,),
    "film noir": (NOIR,),
    "noirs": (NOIR,),
    "cowboy": (("Western", "Westerns"),),
    "cowboys": (("Western", "Westerns"),),
    "wild west": (("Western", "Westerns"),),
    "military": (("War",),),
    "wartime": (("War",),),
    "hip hop": (("hip-hop", "Hip-Hop", "hip hop", "rap"),),
    "r and b": (("rnb", "R&B", "r&b"),),
    "electronica": (("electronic", "Electronic"),),
}

# of these, the ones that say more than the genre: they stay in the wish too, or "a heist" would be any crime film
TELLING = frozenset(
    """heist mafia mob gangster detective slasher slapstick satire whodunit whodunnit cowboy cowboys anime""".split()
) | {"zombie movie"}

# what people do not want to see -> the content note of a catalogue that has such notes; only for "nothing ..."
CONTENT_NOTES: dict[str, str] = {
    **dict.fromkeys(("violent", "violence", "gory", "gore", "gorey", "bloody", "blood", "brutal"), "violence"),
    **dict.fromkeys(("sex", "sexual", "nudity", "erotic", "nude", "raunchy", "risque"), "sex"),
    **dict.fromkeys(("scary", "frightening", "creepy", "disturbing", "scares", "nightmarish"), "frightening"),
}

# such a note in words
NOTED = {"violence": "nothing violent", "sex": "no sex scenes", "frightening": "nothing frightening"}

# a quality that this catalogue does not mark -> the genres in which it is usual; only for "nothing ..."
AVOIDED: dict[str, tuple[str, ...]] = {
    "violent": ("Action", "Crime", "Horror", "Thriller", "War", "Western"),
    "violence": ("Action", "Crime", "Horror", "Thriller", "War", "Western"),
    "gory": ("Horror", "War"),
    "gore": ("Horror", "War"),
    "gorey": ("Horror", "War"),
    "bloody": ("Action", "Crime", "Horror", "War"),
    "blood": ("Action", "Crime", "Horror", "War"),
    "sad": ("Drama",),
    "depressing": ("Drama", "War"),
    "heavy": ("Drama", "War"),
    "cheesy": ("Romance",),
    "sappy": ("Romance",),
    "mushy": ("Romance",),
    "corny": ("Romance",),
    "disturbing": ("Horror",),
}
