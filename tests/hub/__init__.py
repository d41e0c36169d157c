"""A Hugging Face hub on loopback, for tests and for the rehearsal.

It speaks the parts of the hub's API that huggingface_hub uses to download and to upload without Xet
(HF_HUB_DISABLE_XET=1), keeps its repositories in a folder, and misbehaves where it is told to.

python -m tests.hub FOLDER              serves it and prints the address
python -m tests.hub.content FOLDER      fills it with what `numina-7b` downloads, made small
"""
