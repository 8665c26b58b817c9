"""Runs or reads Python, one request per line on standard input, one response per line on standard output.

Arguments: a folder, then modules. The modules are imported once, because packages such as LlamaIndex take seconds to load. Each
text then runs in a fork of this process: the state of an interpreter right after these imports, with its own memory, folder,
environment and exit status, so that no text sees anything of the one before it.
"""

import ast
import importlib
import json
import os
import shutil
import sys
import tempfile
import traceback


def run(code, env):
    folder = tempfile.mkdtemp(dir=sys.argv[1])
    output = os.path.join(folder, "output")
    child = os.fork()
    if child == 0:
        become(code, env, folder, output)
    _, status = os.waitpid(child, 0)
    with open(output, encoding="utf-8", errors="replace") as file:
        out = file.read()
    # files that the code wrote, in addition to its output
    files = sorted(name for name in os.listdir(folder) if name != "output")
    shutil.rmtree(folder)
    return {"ok": status == 0, "out": out, "files": files}


def become(code, env, folder, output):
    """The process of the text; never returns."""
    status = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.chdir(folder)
        os.environ.update(env)
        sys.argv = ["snippet.py"]
        exec(compile(code, "snippet.py", "exec"), {"__name__": "__main__"})
        status = 0
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            status = stop.code or 0
        else:
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def read(code):
    """The texts in the code."""
    tree = ast.parse(code)
    return {
        "ok": True,
        "texts": [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)],
    }


for name in sys.argv[2:]:
    importlib.import_module(name)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = run(asked["code"], asked["env"]) if asked["do"] == "run" else read(asked["code"])
    except Exception as error:
        answer = {"ok": False, "out": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
