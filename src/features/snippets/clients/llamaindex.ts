import { quoted } from '../languages/escape.js'
import { callLines, credentialOf, dictionary, literal, modelOf } from '../languages/python.js'
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
      ...(scene.asks ? [...clientLines({ ...scene, caFile: undefined }), ...askLines(scene)] : []),
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
  return [
    `${llm ? 'model' : 'model_name'}=${modelOf(scene)}`,
    `api_base=${quoted(call.base)}`,
    `api_key=${apiKey}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    // without it every call goes to /completions
    ...(model.type === 'chat' ? ['is_chat_model=True'] : []),
    ...(llm && context_length !== null ? [`context_window=${context_length}`] : []),
    ...(model.type === 'completion' ? ['max_tokens=15'] : []),
    ...(llm ? [] : ['additional_kwargs={"encoding_format": "float"}']),
    ...(caFile ? [`http_client=httpx.Client(verify=${quoted(caFile)})`] : []),
  ]
}

function use({ call, model }: Scene): string[] {
  const body = call.body ?? {}
  if (model.type === 'chat') {
    const messages = (body.messages as { role: string; content: unknown }[])
      .map(({ role, content }) => `ChatMessage(role=${literal(role)}, content=${literal(content)})`)
      .join(', ')
    return [`print(llm.chat([${messages}]).message.content)`]
  }
  if (model.type === 'completion') return [`print(llm.complete(${literal(body.prompt)}).text)`]
  return [
    `vectors = embedder.get_text_embedding_batch(${literal(body.input)})`,
    'print(len(vectors), "vectors of", len(vectors[0]))',
  ]
}
