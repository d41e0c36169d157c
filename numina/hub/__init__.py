"""The Hugging Face hub: fetch from it at a pinned commit, and upload to it."""
