/** How the tests verify each client's code. `--write` of test/walks/snippets/*.test.js writes this file; every run checks it. */
export const verification: Record<string, 'run' | 'parsed'> = {
  cmd: 'parsed',
  continue: 'parsed',
  curl: 'run',
  env: 'run',
  'js-fetch': 'run',
  'js-openai': 'run',
  jupyter: 'run',
  'kubernetes-secret': 'parsed',
  'langchain-js': 'run',
  'langchain-python': 'run',
  llamaindex: 'run',
  'open-webui': 'parsed',
  powershell: 'parsed',
  'python-openai': 'run',
  'python-requests': 'run',
}
