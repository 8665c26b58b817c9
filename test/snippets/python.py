"""Runs or reads Python, one request a line on standard input, one answer a line on standard output."""

import ast
import contextlib
import io
import json
import os
import sys
import traceback


def set_environment(env):
    for name in [name for name in os.environ if name.startswith(("MAAS_", "OPENAI_"))]:
        del os.environ[name]
    os.environ.update(env)


def run(code, env):
    set_environment(env)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(code, "snippet", "exec"), {"__name__": "__main__"})
    except SystemExit as stop:
        return {"ok": False, "out": f"{out.getvalue()}{stop}"}
    except Exception:
        return {"ok": False, "out": out.getvalue() + traceback.format_exc()}
    return {"ok": True, "out": out.getvalue()}


def read(code):
    """The texts in the code, and the names of the arguments of each call."""
    tree = ast.parse(code)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        "ok": True,
        "texts": [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)],
        "calls": [[ast.unparse(call.func), [keyword.arg for keyword in call.keywords]] for call in calls],
    }


def check_notebook(code):
    import nbformat

    nbformat.validate(nbformat.reads(code, as_version=4))
    return {"ok": True}


def run_notebook(code, env):
    """With the real kernel; only where the recording is made."""
    import nbclient
    import nbformat

    set_environment(env)
    notebook = nbformat.reads(code, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {"ok": True, "out": json.dumps([cell.get("outputs") for cell in notebook.cells])}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        if asked["do"] == "run":
            answer = run(asked["code"], asked["env"])
        elif asked["do"] == "read":
            answer = read(asked["code"])
        elif asked["do"] == "run notebook":
            answer = run_notebook(asked["code"], asked["env"])
        else:
            answer = check_notebook(asked["code"])
    except Exception as error:
        answer = {"ok": False, "out": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
