"""Publication in an object store: data under content-derived names, then a put of the manifest."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import PublicationConflictError, StorageError
from spymaster_resources.lake.layout import CLAIM_PREFIX, MANIFEST_NAME, SUCCESS_NAME, staged_name
from spymaster_resources.lake.manifest import Manifest, ManifestError
from spymaster_resources.lake.publication import Publisher
from spymaster_resources.lake.staging import Staging

# A claim is held for a comparison and two small puts. One that stands this long, by the clock of
# the writer that waits for it, belongs to a dead writer.
CLAIM_LEASE_S: Final = 30.0
CLAIM_TIMEOUT_S: Final = 4 * CLAIM_LEASE_S
_POLL_S: Final = 0.02


class StorePublisher(Publisher):
    """Publishes in an object store that lists what was put (S3, GCS).

    Without locks, writers exclude each other by claims: put a claim, list, and go on only when
    it is the only one, else withdraw and try again. Two writers can never both see theirs alone.
    """

    def stage(self) -> Staging:
        user = os.getuid()
        place = hashlib.sha256(self._files.url(self._folder).encode()).hexdigest()[:16]
        scratch = Path(tempfile.gettempdir()) / f"spymaster-{user}"
        scratch.mkdir(mode=0o700, exist_ok=True)
        return Staging.create(scratch, place)

    def publish(self, partition: Path, manifest: Manifest) -> None:
        self._must_be_as_seen()
        self._upload(partition, manifest)
        with self._claim():
            self._must_be_as_seen()
            # The publication that this one saw may have cleaned up while this one uploaded.
            self._upload(partition, manifest)
            self._verify_uploaded(manifest)
            kept = self._published_names() | {file.name for file in manifest.files}
            self._files.put(f"{self._folder}/{MANIFEST_NAME}", manifest.to_bytes())
            self._files.put(f"{self._folder}/{SUCCESS_NAME}", b"")
            if self._single_file is not None:
                staged = partition / staged_name(manifest.files[0].name)
                self._files.upload(staged, self._single_file)
            self._clean(kept)

    def _upload(self, partition: Path, manifest: Manifest) -> None:
        """Upload the data files that are not there yet in full."""
        sizes = self._sizes()
        for file in manifest.files:
            if sizes.get(file.name) != file.size:
                staged = partition / staged_name(file.name)
                self._files.upload(staged, f"{self._folder}/{file.name}")

    def _verify_uploaded(self, manifest: Manifest) -> None:
        sizes = self._sizes()
        for file in manifest.files:
            if sizes.get(file.name) != file.size:
                message = f"{file.name}: expected {file.size} bytes in the store, found"
                raise StorageError(str(self._key), f"{message} {sizes.get(file.name)}")

    def _sizes(self) -> dict[str, int]:
        return {entry.name: entry.size for entry in self._files.entries(self._folder)}

    def _published_names(self) -> set[str]:
        """Return the data files of the manifest that is about to be replaced.

        They stay until the next write: a reader in the middle of them reads on.
        """
        try:
            content = self._files.read_bytes(f"{self._folder}/{MANIFEST_NAME}")
            return {file.name for file in Manifest.from_bytes(content).files}
        except (FileNotFoundError, ManifestError):
            return set()

    def _clean(self, kept: set[str]) -> None:
        for entry in self._files.entries(self._folder):
            if entry.name.startswith("part-") and entry.name not in kept:
                self._files.delete(f"{self._folder}/{entry.name}")

    @contextmanager
    def _claim(self) -> Iterator[None]:
        own = f"{CLAIM_PREFIX}{secrets.token_hex(8)}"
        first_seen: dict[str, float] = {}
        deadline = time.monotonic() + CLAIM_TIMEOUT_S
        try:
            while True:
                self._files.put(f"{self._folder}/{own}", own.encode())
                others = self._living_claims(own, first_seen)
                if not others:
                    break
                self._files.delete(f"{self._folder}/{own}")
                if time.monotonic() > deadline:
                    message = f"other writers hold their claims {others}; try again"
                    raise PublicationConflictError(str(self._key), message)
                time.sleep(_POLL_S * (1 + random.random()))  # noqa: S311 - only to part the two
            yield
        finally:
            self._files.delete(f"{self._folder}/{own}")

    def _living_claims(self, own: str, first_seen: dict[str, float]) -> list[str]:
        now = time.monotonic()
        living = []
        for entry in self._files.entries(self._folder):
            if entry.name.startswith(CLAIM_PREFIX) and entry.name != own:
                if now - first_seen.setdefault(entry.name, now) > CLAIM_LEASE_S:
                    self._files.delete(f"{self._folder}/{entry.name}")
                else:
                    living.append(entry.name)
        return living
