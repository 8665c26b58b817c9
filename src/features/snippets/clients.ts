import { cmd } from './clients/cmd.js'
import { continueDev } from './clients/continue.js'
import { curl } from './clients/curl.js'
import { env } from './clients/env.js'
import { jsFetch } from './clients/js-fetch.js'
import { jsOpenai } from './clients/js-openai.js'
import { jupyter } from './clients/jupyter.js'
import { kubernetesSecret } from './clients/kubernetes-secret.js'
import { langchainJs } from './clients/langchain-js.js'
import { langchainPython } from './clients/langchain-python.js'
import { llamaindex } from './clients/llamaindex.js'
import { openWebui } from './clients/open-webui.js'
import { powershell } from './clients/powershell.js'
import { pythonOpenai } from './clients/python-openai.js'
import { pythonRequests } from './clients/python-requests.js'
import type { Client } from './scene.js'

/** In the order in which people see them. */
export const clients: Client[] = [
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
