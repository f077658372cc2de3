"""How many nodes a workload runs on: a number, or a range with measured scaling for elastic training."""

from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from multihome.domain.workloads import NodeScaling
from multihome.wire.fields import BasisPoints, Shape, percent_text

NODES_MAX = 4_096
SCALING_MAX = 16

Nodes = Annotated[int, Field(ge=1, le=NODES_MAX)]


def _some(value: int) -> int:
    if value > 0:
        return value
    msg = "expected more than 0%"
    raise ValueError(msg)


class ScalingIn(Shape):
    """What was measured on fewer nodes."""

    nodes: Nodes
    throughput: Annotated[BasisPoints, AfterValidator(_some)]
    """As a share of the throughput on `max` nodes."""


class NodesIn(Shape):
    """A number of nodes, or the fewest and the most that an elastic training runs on."""

    max: Nodes
    """All in one interconnect domain."""
    min: Nodes | None = None
    """As many as `max` when left out."""
    scaling: list[ScalingIn] = Field(default=[], max_length=SCALING_MAX)
    """What is left out is taken to be proportional to nodes, and learned."""

    @field_validator("min")
    @classmethod
    def _least(cls, value: int | None, info: ValidationInfo) -> int | None:
        most = info.data.get("max")
        if value is not None and most is not None and value > most:
            msg = f"it is more than `max`, which is {most}"
            raise ValueError(msg)
        return value

    @field_validator("scaling")
    @classmethod
    def _within(cls, value: list[ScalingIn], info: ValidationInfo) -> list[ScalingIn]:
        most, least = info.data.get("max"), info.data.get("min")
        counts = [point.nodes for point in value]
        twice = next((count for count in counts if counts.count(count) > 1), None)
        if twice is not None:
            msg = f"{twice} nodes stand in the list twice"
            raise ValueError(msg)
        outside = next((count for count in counts if most is not None and not (least or most) <= count < most), None)
        if outside is not None:
            msg = f"{outside} nodes are not from `min` to fewer than `max`"
            raise ValueError(msg)
        return value

    def least(self) -> int:
        """The fewest nodes of an elastic training; 0 for a gang of one size."""
        return 0 if self.min in {None, self.max} else self.min or 0

    def points(self) -> tuple[NodeScaling, ...]:
        """What was measured."""
        return tuple(NodeScaling(nodes=point.nodes, throughput_bps=point.throughput) for point in self.scaling)


def _nodes(value: object) -> object:
    """A number alone is the most and the fewest."""
    return cast("object", value) if isinstance(value, dict) else {"max": value}


NumNodes = Annotated[NodesIn, BeforeValidator(_nodes, json_schema_input_type=Nodes | NodesIn)]


def nodes_data(most: int, least: int, scaling: tuple[NodeScaling, ...]) -> int | dict[str, Any]:
    """A number of nodes as a file has it: alone, or a range."""
    if not least and not scaling:
        return most
    points = [{"nodes": point.nodes, "throughput": percent_text(point.throughput_bps)} for point in scaling]
    data: dict[str, Any] = {"min": least, "max": most}
    return data | ({"scaling": points} if points else {})
