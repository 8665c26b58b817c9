"""An account's life with the generated client: from a token to the last deletion. Prints one line for each step that held."""

import datetime
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import maas
from maas.exceptions import ApiException

ISSUER = os.environ["ISSUER"]
CONTROL = os.environ["CONTROL"]


def ok(step, *facts):
    for index, fact in enumerate(facts):
        if not fact:
            raise SystemExit(f"not ok - {step}: fact {index + 1} does not hold")
    print(f"ok - {step}", flush=True)


def send(url, body=None, headers=None):
    """A call of something else than the portal: status and text."""
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def refused(call):
    """The typed problem of a call that must fail."""
    try:
        call()
    except ApiException as error:
        assert isinstance(error.data, maas.Problem), f"not a problem: {error.body}"
        assert error.data.status == error.status
        return error.data
    raise SystemExit("not ok - a call that must fail was accepted")


def header(answer, name):
    return {key.lower(): value for key, value in answer.headers.items()}.get(name)


def code(problem):
    return problem.type.rsplit(":", 1)[1]


def sign_in(scope):
    """A client with a token by client credentials (RFC 6749 section 4.4)."""
    form = {"grant_type": "client_credentials", "scope": scope}
    login = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
    _, answer = send(f"{ISSUER}/token", urllib.parse.urlencode(form | login).encode())
    return maas.ApiClient(maas.Configuration(access_token=json.loads(answer)["access_token"]))


client = sign_in("maas:read maas:write maas:reveal")
account = maas.AccountApi(client)
models = maas.ModelsApi(client)
applications = maas.ApplicationsApi(client)
usage = maas.UsageApi(client)

me = account.read_me()
ok("before sign-up", not me.signed_up, me.account is None, me.joining_account is None)
ok("what sign-up requires", [field.name for field in me.required.fields] == ["department", "job_title"], me.required.terms)
problem = refused(lambda: account.sign_up(sign_up=maas.SignUp()))
ok("a sign-up without answers is a typed 422", code(problem) == "invalid_fields", "fields.department" in problem.errors)
answers = maas.SignUp(
    fields={"department": "Research", "job_title": "Scientist"},
    accept_terms=me.required.terms.version,
)
signed = account.sign_up_with_http_info(sign_up=answers)
ok("sign-up", signed.status_code == 201, signed.data.signed_up, signed.data.account.role == "admin")
ok("sign-up again", account.sign_up_with_http_info(sign_up=answers).status_code == 200)

names, cursor = [], None
while True:
    page = models.list_models(limit=5, cursor=cursor)
    names += [model.system_name for model in page.items]
    cursor = page.next_cursor
    if cursor is None:
        break
ok("models by pages", len(names) > 10, len(names) == len(set(names)))
model = models.read_model("granite-chat")
ok("one model", model.credentials.mode == "user_key", {"basic"} <= {plan.system_name for plan in model.plans})
ok("a model without a licence", [each for each in models.list_models(limit=100).items if each.license is None])
ok("snippets", {each.client for each in models.list_snippets("granite-chat").items} > {"curl"})

wish = maas.ApplicationInput(model="granite-chat", plan="basic", name="life", fields={"purpose": "Experiment"})
made = applications.create_application_with_http_info(wish, idempotency_key="life-1")
key = made.data.credentials.user_key
ok("an application", made.status_code == 201, made.data.state == "live", key, header(made, "location").endswith(f"/applications/{made.data.id}"))
again = applications.create_application_with_http_info(wish, idempotency_key="life-1")
ok("the same request again", header(made, "idempotency-replayed") is None, header(again, "idempotency-replayed") == "true", again.data.id == made.data.id, again.data.created_at == made.data.created_at)
other = maas.ApplicationInput(model="granite-chat", plan="unlimited", name="other", fields={"purpose": "Experiment"})
problem = refused(lambda: applications.create_application(other, idempotency_key="life-1"))
ok("its Idempotency-Key with another body", code(problem) == "idempotency_key_reused", problem.status == 422)
number = made.data.id
ok("read without secrets", applications.read_application(number).credentials.user_key is None)
ok("revealed", applications.read_application(number, reveal=True).credentials.user_key == key)
reader = maas.ApplicationsApi(sign_in("maas:read"))
problem = refused(lambda: reader.read_application(number, reveal=True))
ok("a token without maas:reveal is a typed 403", code(problem) == "insufficient_scope")
ok("listed", number in [each.id for each in applications.list_applications(model="granite-chat").items])


def chat(credential):
    shown = applications.read_application(number)
    body = json.dumps({"model": shown.model_id, "messages": [{"role": "user", "content": "hello"}]}).encode()
    headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    return send(f"{shown.base_url}/chat/completions", body, headers)


status, text = chat(key)
ok("the key at the gateway", status == 200, json.loads(text)["choices"])
rotated = applications.rotate_key(number, idempotency_key="life-2")
ok("rotation", rotated.credentials.user_key != key, rotated.key.value == rotated.credentials.user_key, rotated.revocation_check.status == "pending")
ok("the new key at the gateway", chat(rotated.key.value)[0] == 200)
check = applications.read_revocation_check(number, rotated.revocation_check.key_id)
ok("the revocation check of the old key", check.application_id == number, check.checked_at is None)
problem = refused(lambda: applications.create_key(number))
ok("a second user_key is a typed 409", problem.status == 409)

pair = maas.ApplicationInput(model="llama-chat", name="pair", fields={"purpose": "Experiment"})
second = applications.create_application(pair, idempotency_key="life-3")
ok("an application with an app_id", second.credentials.app_id, len(second.credentials.app_keys) == 1)
added = applications.create_key_with_http_info(second.id, idempotency_key="life-4")
ok("a second key", added.status_code == 201, added.data.value)
keys = applications.list_keys(second.id)
ok("keys by pages", len(keys.items) == 2, keys.next_cursor is None, keys.items[0].value is None)
ok("one key", applications.read_key(second.id, added.data.key_id).created_at == added.data.created_at)
removal = applications.delete_key(second.id, added.data.key_id)
ok("a key removed", removal.revocation_check.key_id == added.data.key_id, len(applications.list_keys(second.id).items) == 1)

MONTH = 3_000_000_000
NOW = datetime.datetime.now(datetime.timezone.utc).isoformat()
tokens = json.dumps([{"application": number, "metric": "total_tokens", "at": NOW, "amount": MONTH}]).encode()
send(f"{CONTROL}/_demo/usage", tokens, {"Content-Type": "application/json"})
report = usage.read_application_usage(number, range="24h")
totals = {series.metric: series.total for series in report.series}
ok("usage beyond 32 bits", totals["total_tokens"] > 2**31, max(max(series.values) for series in report.series) >= MONTH)
table = usage.download_application_usage(number, range="24h", bom=False).decode()
ok("usage as CSV", table.startswith('"start"'), '"300000' in table)
ok("usage of the account", usage.read_usage(range="24h").tokens.total >= MONTH)
limits = usage.list_application_limits(number)
ok("limits of an application", limits.items, limits.next_cursor is None)
ok("limits of the account", number in {each.application.id for each in usage.list_limits().items})
ok("costs of an application", usage.read_application_costs(number).application.id == number)
ok("costs of the account", number in {each.application.id for each in usage.list_costs().items})

invited = account.invite_member(maas.MemberInput(email="life@example.com", role="member"))
ok("an invitation", invited.state == "invited", invited.email == "life@example.com", invited.client_id is None)
ok("one member", account.read_member(invited.id).email == "life@example.com")
changed = account.change_member(invited.id, maas.MemberChange(role="admin"))
ok("another role", changed.role == "admin")
ok("members", {each.id: each.role for each in account.list_members().items}[invited.id] == "admin")
ok("a member removed", account.remove_member_with_http_info(invited.id).status_code == 204)

version = header(applications.read_application_with_http_info(number), "etag")
renamed = applications.update_application(number, maas.ApplicationChange(name="renamed"), if_match=version)
ok("another name", renamed.name == "renamed", renamed.created_at == made.data.created_at)
problem = refused(lambda: applications.update_application(number, maas.ApplicationChange(name="late"), if_match=version))
ok("a change of an older version is a typed 412", code(problem) == "precondition_failed", problem.status == 412)
whole = maas.ApplicationReplacement(name="replaced", plan="basic", fields={"purpose": "Production"})
replaced = applications.replace_application(number, whole)
ok("replaced as a whole", replaced.name == "replaced", replaced.fields["purpose"] == "Production")
problem = refused(lambda: applications.read_application(1))
ok("what does not exist is a typed 404", code(problem) == "not_found", problem.request_id)
anonymous = maas.AccountApi(maas.ApiClient(maas.Configuration()))
ok("no token is a typed 401", refused(anonymous.read_me).status == 401)
ok("deletion", applications.delete_application_with_http_info(number).status_code == 204)
ok("deletion of both", applications.delete_application_with_http_info(second.id).status_code == 204)
ok("gone", refused(lambda: applications.read_application(number)).status == 404)
