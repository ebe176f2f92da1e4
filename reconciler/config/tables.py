"""Knows what all tables of the configuration have in common: their strictness and the types of values."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from reconciler.config.secrets import SecretRef, read_secret
from reconciler.config.values import (
    client_name,
    mail_address,
    merge_field_tag,
    path_with_a_name,
    safe_endpoint,
)


class Spelling(StrEnum):
    """How an environment variable, whose case does not count, spells a name that is free to choose."""

    LOWER = "lower"
    UPPER = "upper"
    AS_WRITTEN = "as written"


# the serializer keeps pydantic's own dumps from looking inside
Secret = Annotated[SecretRef, PlainValidator(read_secret), PlainSerializer(str)]
NamedPath = Annotated[Path, AfterValidator(path_with_a_name)]
Endpoint = Annotated[str, AfterValidator(safe_endpoint)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
Text = Annotated[str, Field(min_length=1)]
ClientName = Annotated[str, Spelling.LOWER, AfterValidator(client_name)]
MergeFieldTag = Annotated[str, Spelling.UPPER, AfterValidator(merge_field_tag)]


class Table(BaseModel):
    """A table of the file: frozen, exact about types, without unknown keys, silent about values."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        validate_by_alias=True,
        validate_by_name=False,
    )
