/** How the tests prove each client's code; written by `node dist/test/walks/snippets.test.js --write`, checked by every run. */
export const proofs: Record<string, 'run' | 'replayed' | 'parsed'> = {
  cmd: 'parsed',
  continue: 'parsed',
  curl: 'run',
  env: 'run',
  'js-fetch': 'run',
  'js-openai': 'run',
  jupyter: 'replayed',
  'kubernetes-secret': 'parsed',
  'langchain-js': 'run',
  'langchain-python': 'replayed',
  llamaindex: 'parsed',
  'open-webui': 'parsed',
  powershell: 'parsed',
  'python-openai': 'replayed',
  'python-requests': 'run',
}
