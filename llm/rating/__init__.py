"""The language model as scorer and ranker: ratings from words or token chances, tuned heads, lists put in order."""
