import { jsFetch } from './clients/javascript/js-fetch.js'
import { jsOpenai } from './clients/javascript/js-openai.js'
import { langchainJs } from './clients/javascript/langchain-js.js'
import { jupyter } from './clients/python/jupyter.js'
import { langchainPython } from './clients/python/langchain-python.js'
import { llamaindex } from './clients/python/llamaindex.js'
import { pythonOpenai } from './clients/python/python-openai.js'
import { pythonRequests } from './clients/python/python-requests.js'
import { cmd } from './clients/shell/cmd.js'
import { curl } from './clients/shell/curl.js'
import { powershell } from './clients/shell/powershell.js'
import { continueDev } from './clients/tools/continue.js'
import { env } from './clients/tools/env.js'
import { kubernetesSecret } from './clients/tools/kubernetes-secret.js'
import { openWebui } from './clients/tools/open-webui.js'
import type { SnippetClient } from './snippet-context.js'

/** In the order of display. */
export const clients: SnippetClient[] = [
  curl,
  powershell,
  cmd,
  pythonOpenai,
  pythonRequests,
  langchainPython,
  llamaindex,
  jupyter,
  jsOpenai,
  jsFetch,
  langchainJs,
  env,
  continueDev,
  openWebui,
  kubernetesSecret,
]
