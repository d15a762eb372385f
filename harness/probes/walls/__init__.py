"""Walls between N users and the batch: how large a request may be, who refuses it, and what is lost in silence."""
