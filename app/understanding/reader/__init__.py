"""Understanding a message with a small encoder: its training dialogues, its model, its artefact."""
