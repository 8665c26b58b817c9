"""Checks notebooks with nbformat and executes them with nbclient in a real kernel: requests and answers as in python.py.

Most notebooks share one kernel, which takes a second to start. Before each of them, it is reset and gets a separate folder and
environment. `fresh` requests a new kernel, as Jupyter starts one for a notebook that is opened.
"""

import json
import os
import shutil
import sys
import tempfile

import nbclient
import nbformat
from jupyter_client.manager import KernelManager

# a kernel warns that its sockets, which are on loopback, have no TLS
QUIET = ["--IPKernelApp.log_level=ERROR"]
shared = KernelManager(kernel_name="python3")


def check(code):
    nbformat.validate(nbformat.reads(code, as_version=4))
    return {"ok": True}


def execute(code, env, fresh):
    notebook = nbformat.reads(code, as_version=4)
    folder = tempfile.mkdtemp(dir=sys.argv[1])
    try:
        if fresh:
            os.environ.update(env)
            nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", extra_arguments=QUIET).execute(cwd=folder)
        else:
            if not shared.has_kernel:
                shared.start_kernel(extra_arguments=QUIET)
            notebook.cells.insert(0, nbformat.v4.new_code_cell(prelude(env, folder)))
            nbclient.NotebookClient(notebook, km=shared, timeout=120).execute()
            notebook.cells.pop(0)
        files = sorted(os.listdir(folder))
    finally:
        for name in env:
            os.environ.pop(name, None)
        shutil.rmtree(folder)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return {"ok": True, "out": "".join(output.get("text", "") for output in outputs), "files": files}


def prelude(env, folder):
    # the folder of the previous notebook is gone, and the magic reads the current one
    return f"""import os
os.chdir({folder!r})
for name in [name for name in os.environ if name.startswith(("MAAS_", "OPENAI_"))]:
    del os.environ[name]
os.environ.update({env!r})
%reset -f"""


try:
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = check(asked["code"]) if asked["do"] == "check" else execute(asked["code"], asked["env"], asked["fresh"])
        except Exception as error:
            answer = {"ok": False, "out": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
finally:
    if shared.has_kernel:
        shared.shutdown_kernel(now=True)
