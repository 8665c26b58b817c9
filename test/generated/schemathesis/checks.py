"""What Schemathesis cannot know: which rules of the portal a schema does not state. Counts the answers of each operation."""

import atexit
import json
import os
from collections import Counter, defaultdict

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection

# Members of `errors`, or codes, of a 422 that a request which fits the schema may still get.
RULES = {
    "idempotency_key_reused": "an Idempotency-Key belongs to its first request",
    "cursor": "a cursor is valid for the list, sort and filters that it was given for",
    "since": "the begin is not in the future, and before the end",
    "until": "the end is after the begin",
    "range": "either a range, or a begin and an end",
    "tz": "time zones are those that the portal's system knows",
    "model": "models and their plans are those of the tenant",
    "plan": "models and their plans are those of the tenant",
    "name": "the tenant's own rules for an application",
    "description": "the tenant's own rules for an application",
    "fields": "the tenant's own fields, required ones and their choices",
    "metric": "metrics are those of the model",
    "application_id": "the application is one for this model",
    "email": "either an address or a client_id, which invites nobody twice",
    "client_id": "either an address or a client_id",
    "join": "the account that invites",
    "accept_terms": "the version of the terms that is in force",
    "decline": "an invitation to decline",
    "value": "a key that the mode of the model can have",
    "if-match": "an entity tag as it was received: Schemathesis takes 0 for a header of any pattern",
}

answers = defaultdict(Counter)


@schemathesis.check
def stated_rejections(ctx, response, case):
    """A request that fits the schema gets 422 for one of the stated rules only, and is told which."""
    if response.status_code != 422 or not case.meta or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    code = problem["type"].rsplit(":", 1)[1]
    named = [name.split(".")[0] for name in problem.get("errors", {})] or [code]
    unknown = [name for name in named if name not in RULES]
    assert not unknown, f"422 for {unknown}, which neither the schema nor a stated rule forbids: {response.text}"


@schemathesis.check
def rejected_negative_data(ctx, response, case):
    """The check of that name, but for `null`: some clients send it as no body, and where none is required it is accepted.

    The request then succeeds, or fails by its `If-Match`."""
    if case.body is None and (response.status_code < 300 or response.status_code == 412):
        return
    negative_data_rejection(ctx, response, case)


@schemathesis.hook
def filter_body(context, body):
    """Without the names that are refused before a body is compared with its schema."""
    return "__proto__" not in str(body) and "constructor" not in str(body)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Deletions at once, and whatever the version.

    One that is answered 202 is not done yet, and use_after_free would take it for done. A tag that was made up never matches."""
    if case.method == "DELETE":
        case.headers.pop("Prefer", None)
        if case.meta and case.meta.generation.mode.is_positive:
            case.headers.pop("If-Match", None)


@schemathesis.hook
def after_call(context, case, response):
    answers[case.operation.label][str(response.status_code)] += 1


@atexit.register
def save():
    if file := os.environ.get("ANSWERS"):
        with open(file, "w", encoding="utf8") as out:
            json.dump(answers, out)
