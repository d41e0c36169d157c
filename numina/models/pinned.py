"""Commits of published models, for `base_model.source: hub` without a revision.

Each was seen in public repositories as the name of the snapshot that the hub's client had fetched;
none was fetched here. Of the other models of docs/published.md no commit was found: name one by
base_model.revision.
"""

PINNED = {
    "AI-MO/NuminaMath-7B-TIR": "cf2aaf3f706eef519a80523e21c655903203e984",
    "deepseek-ai/deepseek-math-7b-instruct": "0a5828f800a36df0fd7f0ed581b983246c0677ff",
    "Qwen/Qwen2.5-Math-7B-Instruct": "ef9926d75ab1d54532f6a30dd5e760355eb9aa4d",
    "openai/gpt-oss-20b": "6cee5e81ee83917806bbde320786a8fb61efebee",
}


def commit_of(name: str, revision: str) -> str:
    """The commit of a model of the hub: the one that is named, else the pinned one, else ""."""
    return revision or PINNED.get(name, "")
