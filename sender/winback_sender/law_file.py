"""The law in force: as it is shipped, with what the operator's file changes."""

from pathlib import Path

from winback_sender.documents.faults import RulesRefused
from winback_sender.errors import UserError
from winback_sender.law.changes import changed_law
from winback_sender.law.rules import Law
from winback_sender.law.shipped import SHIPPED


def law_at(path: str) -> Law:
    """Return the law with the changes of a file; an empty path: as it is shipped.

    Raises:
        UserError: The file cannot be read, or not be used; all faults are named at once.
    """
    if not path:
        return SHIPPED
    try:
        text = Path(path).read_text(encoding="utf-8")
        return changed_law(text, path)
    except (OSError, UnicodeDecodeError) as error:
        what = f"the changes of the law {path} cannot be read: {error}"
        raise UserError(what, "check that the file is there, and UTF-8") from None
    except RulesRefused as refusal:
        raise UserError(str(refusal), "winback templates law prints the rules") from None
