"""The scalar types of documents: money, percentages, dates, durations, sizes and names, as people write them.

Every one turns text into a whole number exactly; a float never gets in. Stands below all other modules of `wire`.
The opposite direction (`usd_text`, `instant_text` ...) writes what the first direction reads back to the same number.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from multihome.domain.accelerators import canonical_name
from multihome.domain.ids import AcceleratorName
from multihome.units.calendar import MINUTES_PER_DAY, begins_day, day_begins, local_date, zone_names
from multihome.units.time import (
    DATE_CHARACTERS,
    FOREVER_MS,
    MS_PER_DAY,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    datetime_of,
    parse_duration,
    parse_instant,
)
from multihome.wire.field_texts import field_texts

DURATION_MS_MAX = 100 * 366 * MS_PER_DAY
"""A hundred years: longer than any contract, and far from the end of 64 bits."""
COUNT_MAX = 1_000_000
CHIP_HOURS_MAX = 10**12
"""A million chips for a hundred years are fewer."""
WHOLE_BPS = 10_000
FACTOR_BPS_MAX = 99_999
"""A share that may be more than the whole: of an index, of another chip's throughput."""
WHOLE_MAX = 2**63 - 1
"""Whole numbers are kept in 64 bits."""
LIST_ITEMS_MAX = 256
UTC = "UTC"
"""Where days begin in documents that name no zone."""
NEAR_MIN = 0.61
"""How alike two words must be for a suggestion: `make_up` and `make_up_periods` are, `holder` and `mode` (0.6) not."""
SHOWN_CHARACTERS_MAX = 60

_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,30}))?", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))? ?%", re.ASCII)
_BASIS_POINTS = re.compile(r"([0-9]{1,5}) ?bps", re.ASCII)
_CLOCK = re.compile(r"([0-2][0-9]):([0-5][0-9])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,19}) ?(B|kB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)", re.ASCII)
_SIZE_UNITS = {
    "PiB": 1024**5,
    "PB": 1000**5,
    "TiB": 1024**4,
    "TB": 1000**4,
    "GiB": 1024**3,
    "GB": 1000**3,
    "MiB": 1024**2,
    "MB": 1000**2,
    "KiB": 1024,
    "kB": 1000,
    "B": 1,
}
_DURATION_UNITS = (("d", MS_PER_DAY), ("h", MS_PER_HOUR), ("m", MS_PER_MINUTE), ("s", MS_PER_SECOND), ("ms", 1))

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
SCOPED_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"
TENANT_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,7}$"
ENV_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
SHA256_PATTERN = "^[0-9a-f]{64}$"
HTTP_PATH_PATTERN = "^/[!-~]*$"
CURRENCY_PATTERN = "^[A-Z]{3}$"
PATTERN_WORDS = {
    NAME_PATTERN: "a name of letters, digits, dots, dashes and underscores",
    SCOPED_PATTERN: "two names with a slash between, like azure/eastus-h100",
    TENANT_PATTERN: "a tenant's path, like lab/research/pretraining",
    ENV_PATTERN: "the name of an environment variable",
    SHA256_PATTERN: "a SHA-256 as 64 lower-case hexadecimal digits",
    CURRENCY_PATTERN: "a currency by its three capital letters, like USD",
    HTTP_PATH_PATTERN: "a path that begins with a slash, like /health",
}
"""What a pattern asks for, in words, for the reader of an error."""


class Shape(BaseModel):
    """The base of every part of a document: unknown fields are refused and nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema, in which each field has the docstring that stands below it as its description."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        texts = field_texts(cls, Shape)
        for name, field in cls.model_fields.items():
            if name in texts and (field.alias or name) in properties:
                # Said of the field, it goes before what is said of its type.
                properties[field.alias or name]["description"] = field.description or texts[name]
        return schema


def closest(given: str, choices: Sequence[str]) -> str:
    """`did you mean ...?` with the choice nearest to what was given, or nothing when none is near."""
    if len(given) > SHOWN_CHARACTERS_MAX:
        return ""
    close = difflib.get_close_matches(given, choices, n=1, cutoff=NEAR_MIN)
    return f"did you mean {close[0]}?" if close else ""


def shown(value: object) -> str:
    """A value from a file as an error repeats it: short, on one line, in the file's spelling."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = str(value)
    if len(text) > SHOWN_CHARACTERS_MAX:
        text = text[: SHOWN_CHARACTERS_MAX - 1] + "…"
    return repr(text) if isinstance(value, str) else text


def _scaled(value: object, decimals: int, what: str, least: int) -> int:
    """`value * 10^decimals` as a whole number of at least `least`, from text or a whole number."""
    if isinstance(value, float):
        msg = f"{value!r} came as a binary fraction, which is not exact; write it in quotes"
        raise ValueError(msg)  # noqa: TRY004 -- pydantic collects ValueError only
    match = _DECIMAL.fullmatch(str(value)) if isinstance(value, (str, int)) else None
    if match is None:
        msg = f"expected {what}, not {shown(value)}"
        raise ValueError(msg)
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        msg = f"{shown(value)} has more than {decimals} decimals"
        raise ValueError(msg)
    scaled = int(match[1] + fraction.ljust(decimals, "0"))
    if not least <= scaled <= WHOLE_MAX:
        msg = f"{shown(value)} is too {'small' if scaled < least else 'large'}"
        raise ValueError(msg)
    return scaled


def _scaling(decimals: int, what: str, least: int = 0) -> BeforeValidator:
    def read(value: object) -> int:
        return _scaled(value, decimals, what, least)

    return BeforeValidator(read)


def _share(most_bps: int, example_bps: int) -> Callable[[object], int]:
    """A reader of a percentage or basis points, up to so many of these."""

    def read(value: object) -> int:
        bps = most_bps + 1
        if isinstance(value, str):
            if percent := _PERCENT.fullmatch(value):
                bps = int(percent[1] + (percent[2] or "").ljust(2, "0"))
            elif points := _BASIS_POINTS.fullmatch(value):
                bps = int(points[1])
        if bps <= most_bps:
            return bps
        most, example = percent_text(most_bps), percent_text(example_bps)
        msg = f"expected a percentage up to {most}, like {example} or {example_bps}bps, not {shown(value)}"
        raise ValueError(msg)

    return read


_read_factor = _share(FACTOR_BPS_MAX, 10_300)


def _increase(value: object) -> int:
    """Reads by how much more: what is written like a factor, 110% for a tenth more, is refused and not taken so."""
    try:
        bps = _read_factor(value)
    except ValueError:
        bps = FACTOR_BPS_MAX + 1
    if bps <= WHOLE_BPS:
        return bps
    msg = f"expected how much more, up to 100%, like 10% for a tenth more, not {shown(value)}"
    if bps <= FACTOR_BPS_MAX:
        msg = f"{shown(value)} more is more than twice as much: only what is added is written, up to 100%; "
        msg += f"from 100 to {decimal_text(bps, 2)} are {percent_text(bps - WHOLE_BPS)}"
    raise ValueError(msg)


def _minute(value: object) -> int:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match else 0
    if match and 0 < minute <= MINUTES_PER_DAY:
        return minute
    msg = f"expected a time of day like 17:00, or 24:00 for the end of the day, not {shown(value)}"
    raise ValueError(msg)


def _zone(value: object) -> str:
    names = zone_names()
    if isinstance(value, str) and value in names:
        return value
    near = closest(value, names) if isinstance(value, str) else ""
    hint = near or "the names are like UTC, Europe/London or America/New_York"
    msg = f"no time zone is called {shown(value)}; {hint}"
    raise ValueError(msg)


def _holiday(value: object) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    msg = f"expected the date of a holiday, like 2025-07-04, not {shown(value)}"
    raise ValueError(msg)


def _instant(value: object, info: ValidationInfo) -> int:
    if isinstance(value, str) and value.isascii():
        try:
            if len(value) == DATE_CHARACTERS:
                return day_begins(date.fromisoformat(value), zone_of(info))
            return parse_instant(value)
        except (ValueError, OverflowError) as error:
            if "zone" in str(error):
                raise
    msg = f"expected a date like 2025-06-02, or an instant with its zone like 2025-06-02T12:00:00Z, not {shown(value)}"
    raise ValueError(msg)


def _duration(value: object) -> int:
    if isinstance(value, str) and value.isascii() and len(value) <= SHOWN_CHARACTERS_MAX:
        try:
            duration_ms = parse_duration(value)
        except ValueError:
            duration_ms = DURATION_MS_MAX + 1
        if duration_ms <= DURATION_MS_MAX:
            return duration_ms
    msg = f"expected a duration like 90s, 10m, 1h30m or 2d, not {shown(value)}"
    raise ValueError(msg)


def parse_size(text: str) -> int | None:
    """The bytes of a size with its unit; None where it is none."""
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _SIZE_UNITS[match[2]] if match else None


def _size(value: object) -> int:
    size_bytes = parse_size(value) if isinstance(value, str) else None
    if size_bytes is None or size_bytes > WHOLE_MAX:
        msg = f"expected a size like 20GB or 512MiB, not {shown(value)}"
        raise ValueError(msg)
    return size_bytes


class Reading(NamedTuple):
    """What a document is read with: the accelerators that may be named, and the zone in which its dates begin."""

    accelerators: frozenset[AcceleratorName]
    zone: str


def known_accelerators(info: ValidationInfo) -> frozenset[AcceleratorName]:
    """The accelerators that may be named in the document under validation."""
    return _reading(info).accelerators


def zone_of(info: ValidationInfo) -> str:
    """The zone in which dates of the document under validation begin."""
    return _reading(info).zone


def _reading(info: ValidationInfo) -> Reading:
    assert isinstance(info.context, Reading), "a document is validated with what it is read with as its context"
    return info.context


def _canonical(value: str, info: ValidationInfo) -> str:
    return canonical_name(value, known_accelerators(info))


def _text_schema(examples: list[str], pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": examples})


_DECIMAL_SCHEMA = {"anyOf": [{"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"}, {"type": "number", "minimum": 0}]}


def _decimal_schema(example: str) -> WithJsonSchema:
    return WithJsonSchema(_DECIMAL_SCHEMA | {"examples": [example]})


MicroUsd = Annotated[
    int,
    _scaling(6, "an amount in USD like 2.49"),
    _decimal_schema("2.49"),
]
TeraFlops = Annotated[int, _scaling(12, "TFLOP/s like 989.4", least=1), _decimal_schema("989.4")]
Gigabytes = Annotated[int, _scaling(9, "gigabytes like 80", least=1), _decimal_schema("80")]
Thousandths = Annotated[int, _scaling(3, "a number like 12.5"), _decimal_schema("12.5")]
_SHARE_PATTERN = "^[0-9]+(\\.[0-9]{1,2})? ?(%|bps)$"
BasisPoints = Annotated[
    int, BeforeValidator(_share(WHOLE_BPS, 8_000)), _text_schema(["80%", "8000bps"], pattern=_SHARE_PATTERN)
]
Factor = Annotated[int, BeforeValidator(_read_factor), _text_schema(["103%", "10300bps"], pattern=_SHARE_PATTERN)]
"""Basis points of a whole that may be exceeded."""
Increase = Annotated[int, BeforeValidator(_increase), _text_schema(["10%", "1000bps"], pattern=_SHARE_PATTERN)]
"""By how many basis points of what it was something grows: 10% takes 100 to 110."""
ClosingMinute = Annotated[
    int, BeforeValidator(_minute), _text_schema(["17:00", "24:00"], pattern="^[0-2][0-9]:[0-5][0-9]$")
]
"""A local time of day as minutes since midnight; 24:00 is the end of the day."""
ZoneName = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["America/New_York"]})]
HolidayDate = Annotated[
    str, BeforeValidator(_holiday), _text_schema(["2025-07-04"], pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
]
Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN)]
InstantMs = Annotated[
    int,
    BeforeValidator(_instant),
    _text_schema(["2025-06-02", "2025-06-02T12:00:00Z"], pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?$"),
]
DurationMs = Annotated[
    int,
    BeforeValidator(_duration),
    _text_schema(["90s", "10m", "1h30m", "2d"], pattern="^([0-9]+(ms|s|m|h|d|w))+$"),
]
SizeBytes = Annotated[
    int,
    BeforeValidator(_size),
    _text_schema(["20GB", "512MiB"], pattern="^[0-9]+ ?([kMGTP]?B|[KMGTP]iB)$"),
]
Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]
CountOrNone = Annotated[int, Field(ge=0, le=COUNT_MAX)]
"""A count that may be zero."""
Days = Annotated[int, Field(ge=0, le=3_660)]
ChipHours = Annotated[int, Field(ge=0, le=CHIP_HOURS_MAX)]
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=63)]
ScopedName = Annotated[str, Field(pattern=SCOPED_PATTERN, max_length=127)]
TenantPath = Annotated[str, Field(pattern=TENANT_PATTERN, max_length=255)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Word = Annotated[str, Field(min_length=1, max_length=64)]
Source = Annotated[str, Field(max_length=2_000)]
Script = Annotated[str, Field(max_length=65_536)]
Accelerator = Annotated[str, Field(max_length=64), AfterValidator(_canonical)]
"""Any spelling of a known accelerator; validated to its stored name."""


def after(start_field: str) -> Callable[[int | None, ValidationInfo], int | None]:
    """A validator for the end of an interval whose first moment stands in `start_field`."""

    def check(value: int | None, info: ValidationInfo) -> int | None:
        start_ms = info.data.get(start_field)
        if value is not None and start_ms is not None and value <= start_ms:
            zone = zone_of(info)
            msg = f"it ends on {instant_text(value, zone)}, not after it begins on {instant_text(start_ms, zone)}"
            raise ValueError(msg)
        return value

    return check


def decimal_text(scaled: int, decimals: int) -> str:
    """`scaled / 10^decimals` as the shortest exact decimal."""
    whole, fraction = divmod(scaled, 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def usd_text(micro_usd: int) -> str:
    """Dollars as a file has them."""
    return decimal_text(micro_usd, 6)


def percent_text(bps: int) -> str:
    """Basis points as a percentage."""
    return f"{decimal_text(bps, 2)}%"


def minute_text(minute: int) -> str:
    """A minute of the day as a file has it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def instant_text(at_ms: int, zone: str) -> str:
    """A date where the instant is the first moment of one in the document's zone, else the instant in UTC."""
    if begins_day(at_ms, zone):
        return local_date(at_ms, zone).isoformat()
    return datetime_of(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def end_text(at_ms: int, zone: str) -> str | None:
    """An end as a file has it; None, which is left out, for the end that nobody has named."""
    return None if at_ms == FOREVER_MS else instant_text(at_ms, zone)


def duration_text(duration_ms: int) -> str:
    """A duration in the largest unit that expresses it exactly."""
    unit, size = next((unit, size) for unit, size in _DURATION_UNITS if duration_ms % size == 0)
    return f"{duration_ms // size}{unit}" if duration_ms else "0s"


def size_text(size_bytes: int) -> str:
    """A size in the largest unit that expresses it exactly."""
    unit, size = next((unit, size) for unit, size in _SIZE_UNITS.items() if size_bytes % size == 0)
    return f"{size_bytes // size}{unit}" if size_bytes else "0B"


def without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """The mapping without what a reader would fill in alike: None, empty text, empty lists and mappings."""
    return {key: value for key, value in data.items() if value is not None and value not in ("", [], {})}
