import { parametersOf } from '../../../model-calls/example-calls.js'
import { quotedWide } from '../languages/escape.js'
import { callLines, credentialOf, dictionary, gapLines, literal, modelOf } from '../languages/python.js'
import type { Client, Scene } from '../scene.js'
import { askLines, clientLines } from './python-openai.js'

export const llamaindex: Client = {
  client: 'llamaindex',
  group: 'Python',
  label: 'LlamaIndex',
  language: 'python',
  note: ({ model }) =>
    `Needs: pip install llama-index-${model.type === 'embedding' ? 'embeddings' : 'llms'}-openai-like`,
  // it has no setting for parameters of the query
  limits: {
    types: ['chat', 'completion', 'embedding'],
    anyPath: false,
    cannotSend: ['query'],
    nearest: ['langchain-python', 'python-openai', 'python-requests'],
  },
  readers: ['templates', 'bash', 'python'],
  inShell: (code) => `python3 - <<'PY'\n${code}\nPY`,
  write(scene) {
    const { imports, before } = credentialOf(scene.carrier)
    const embeds = scene.model.type === 'embedding'
    return [
      'import os',
      ...imports,
      ...(scene.caFile ? ['import httpx'] : []),
      ...(scene.asks ? ['from openai import OpenAI'] : []),
      embeds
        ? 'from llama_index.embeddings.openai_like import OpenAILikeEmbedding'
        : 'from llama_index.llms.openai_like import OpenAILike',
      ...(scene.model.type === 'chat' ? ['from llama_index.core.llms import ChatMessage'] : []),
      '',
      ...before,
      ...(scene.asks ? [...clientLines({ ...scene, caFile: undefined }), ...askLines(scene)] : gapLines(scene)),
      ...callLines(embeds ? 'embedder = OpenAILikeEmbedding' : 'llm = OpenAILike', options(scene)),
      ...use(scene),
    ].join('\n')
  },
}

function options(scene: Scene): string[] {
  const { call, carrier, caFile, model } = scene
  const { apiKey, headers } = credentialOf(carrier)
  const { context_length } = model
  const llm = model.type !== 'embedding'
  const parameters = parametersOf(call)
  const others = [
    ...(llm ? [] : Object.entries(call.sdkBody ?? {})),
    ...parameters.filter((parameter) => !isOwn(parameter)),
  ]
  return [
    `${llm ? 'model' : 'model_name'}=${modelOf(scene)}`,
    `api_base=${quotedWide(call.base)}`,
    `api_key=${apiKey}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    // without it every call goes to /completions
    ...(model.type === 'chat' ? ['is_chat_model=True'] : []),
    ...(llm && context_length !== null ? [`context_window=${context_length}`] : []),
    ...parameters.filter(isOwn).map(([name, value]) => `${name}=${literal(value)}`),
    ...(others.length > 0 ? [`additional_kwargs=${literal(Object.fromEntries(others))}`] : []),
    ...(caFile ? [`http_client=httpx.Client(verify=${quotedWide(caFile)})`] : []),
  ]
}

/** OpenAILike has arguments for these; the rest goes beside them. */
function isOwn([name]: [string, unknown]): boolean {
  return name === 'max_tokens' || name === 'temperature'
}

function use({ call, model }: Scene): string[] {
  const body = call.body ?? {}
  if (model.type === 'chat') {
    const messages = (body.messages as { role: string; content: unknown }[])
      .map(({ role, content }) => `ChatMessage(role=${literal(role)}, content=${literal(content)})`)
      .join(', ')
    if (body.stream === true) return streamLines(`llm.stream_chat([${messages}])`)
    return [`print(llm.chat([${messages}]).message.content)`]
  }
  if (body.stream === true) return streamLines(`llm.stream_complete(${literal(body.prompt)})`)
  if (model.type === 'completion') return [`print(llm.complete(${literal(body.prompt)}).text)`]
  return [
    `vectors = embedder.get_text_embedding_batch(${literal(body.input)})`,
    'print(len(vectors), "vectors of", len(vectors[0]))',
  ]
}

function streamLines(call: string): string[] {
  return [`for part in ${call}:`, '    print(part.delta, end="", flush=True)', 'print()']
}
