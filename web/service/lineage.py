"""Which published tables of a session belong together."""

from __future__ import annotations

from collections.abc import Mapping

from spymaster_resources.lake import Manifest
from web.service.surfaces import Surface


def stale_surfaces(manifests: Mapping[Surface, Manifest]) -> dict[Surface, str]:
    """Return the surfaces that were made of another version of a table beside them, and of which.

    A rebuild publishes one table after the other. Until the last has followed, what was made of
    the old ones, directly or not, must not be played beside the new.
    """
    published = {manifest.key: surface for surface, manifest in manifests.items()}
    stale: dict[Surface, str] = {}
    changed = True
    while changed:
        changed = False
        for surface, manifest in manifests.items():
            for source in manifest.inputs:
                beside = published.get(source.key)
                if surface in stale or beside is None:
                    continue
                is_other = manifests[beside].sha256 != source.manifest_sha256
                if is_other or beside in stale:
                    stale[surface] = source.dataset
                    changed = True
    return stale
