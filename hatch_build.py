"""What the package says of itself that depends on where its repository is."""

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

# A picture or a link to a file of the repository: neither an address nor a place of the page.
_RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


class Whereabouts(MetadataHookInterface):
    """The README, and where a workflow of GitHub's builds the package, the project's URLs.

    There, links of the README to files of the repository become absolute, so that they work
    wherever the README is shown. Elsewhere nobody knows the repository, and they stay as they are.
    """

    PLUGIN_NAME = "custom"

    def update(self, metadata):
        """Add what `dynamic` announces in pyproject.toml."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["urls"] = {}
        if "GITHUB_REPOSITORY" in os.environ:
            source = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}"
            text = absolute(text, source, tag := f"v{metadata['version']}")
            metadata["urls"] = {
                "Documentation": pages(os.environ["GITHUB_REPOSITORY"]),
                "Source": source,
                "Issues": f"{source}/issues",
                "Changes": f"{source}/blob/{tag}/CHANGELOG.md",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def pages(repository):
    """Return the address at which GitHub shows the pages of a repository."""
    owner, name = repository.split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def absolute(text, source, tag):
    """Return Markdown whose relative links lead to the files of a tag of a repository."""

    def link(found):
        kind = "raw" if found[1] else "blob"
        return f"{found[1]}[{found[2]}]({source}/{kind}/{tag}/{found[3]})"

    return _RELATIVE.sub(link, text)
