"""The lake of partitioned tables: `Lake` writes, publishes, reads and judges them."""

from spymaster_resources.lake.lake import Lake
from spymaster_resources.lake.layout import PartitionKey
from spymaster_resources.lake.manifest import InputRef, Manifest, RawInput
from spymaster_resources.lake.status import PartitionStatus
from spymaster_resources.lake.writer import PartitionWriter, StagedPartition

__all__ = [
    "InputRef",
    "Lake",
    "Manifest",
    "PartitionKey",
    "PartitionStatus",
    "PartitionWriter",
    "RawInput",
    "StagedPartition",
]
