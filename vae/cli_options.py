"""One command-line option for each setting of a run, made from the config types."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from vae.config import flat_fields, from_flat

OPTION_NAMES = {"kind": "model"}  # every other setting is called by its own name


def accepts_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Turn `command(settings, ...)` into a command with an option for each setting.

    `settings` then holds the options that were given, by the settings' own names, unchecked: `from_flat` checks them.
    """

    def wrapper(**values: Any) -> None:
        given = {name: values.pop(name) for name in flat_fields()}
        command({name: value for name, value in given.items() if value is not None}, **values)

    own = list(inspect.signature(command).parameters.values())[1:]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters = [*_options(), *own]
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def option_name(setting: str) -> str:
    return "--" + OPTION_NAMES.get(setting, setting).replace("_", "-")


def _options() -> list[inspect.Parameter]:
    defaults = from_flat({}).model_dump()
    parameters = []
    for name, (field, section) in flat_fields().items():
        default = (defaults[section] if section else defaults)[name]
        choices = _choices(field.annotation)
        hint = f"{field.description}{' (' + ', '.join(choices) + ')' if choices else ''}"
        if default not in (None, ()):
            hint += f" [default: {','.join(map(str, default)) if isinstance(default, tuple) else default}]"
        option = typer.Option(option_name(name), help=hint)
        annotation = Annotated[_plain_type(field.annotation) | None, option]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    return parameters


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((get_args(part) for part in get_args(annotation) if get_origin(part) is Literal), ())


def _plain_type(annotation: Any) -> type:
    """int, float or str: what the parser hands on for pydantic to check."""
    for plain in (int, float):
        if annotation is plain or plain in get_args(annotation):
            return plain
    return str
