import { exampleParameters } from '../../../../model-calls/example-calls.js'
import { quotedUnicode } from '../../languages/escape.js'
import {
  callLines,
  credentialOf,
  dictionary,
  instructionLines,
  literal,
  modelOf,
  pythonClient,
} from '../../languages/python.js'
import { remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'
import { clientLines, modelIdLines } from './python-openai.js'

export const llamaindex: SnippetClient = {
  ...pythonClient,
  client: 'llamaindex',
  label: 'LlamaIndex',
  note: ({ model }) =>
    remarks.requires(`pip install llama-index-${model.type === 'embedding' ? 'embeddings' : 'llms'}-openai-like`),
  // It has no option for query parameters.
  limits: {
    types: ['chat', 'completion', 'embedding'],
    anyPath: false,
    cannotSend: ['query'],
    alternatives: ['langchain-python', 'python-openai', 'python-requests'],
  },
  render(context) {
    const { imports, before } = credentialOf(context.transport)
    const embeds = context.model.type === 'embedding'
    return [
      'import os',
      ...imports,
      ...(context.caFile ? ['import httpx'] : []),
      ...(context.queriesModelId ? ['from openai import OpenAI'] : []),
      embeds
        ? 'from llama_index.embeddings.openai_like import OpenAILikeEmbedding'
        : 'from llama_index.llms.openai_like import OpenAILike',
      ...(context.model.type === 'chat' ? ['from llama_index.core.llms import ChatMessage'] : []),
      '',
      ...before,
      ...(context.queriesModelId
        ? [...clientLines({ ...context, caFile: undefined }), ...modelIdLines(context)]
        : instructionLines(context)),
      ...callLines(embeds ? 'embedder = OpenAILikeEmbedding' : 'llm = OpenAILike', options(context)),
      ...use(context),
    ].join('\n')
  },
}

function options(context: SnippetContext): string[] {
  const { call, transport, caFile, model } = context
  const { apiKey, headers } = credentialOf(transport)
  const { context_length } = model
  const llm = model.type !== 'embedding'
  const parameters = exampleParameters(call)
  const others = [
    ...(llm ? [] : Object.entries(call.sdkBody ?? {})),
    ...parameters.filter((parameter) => !isOwn(parameter)),
  ]
  return [
    `${llm ? 'model' : 'model_name'}=${modelOf(context)}`,
    `api_base=${quotedUnicode(call.base)}`,
    `api_key=${apiKey}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    // Without this option, every call goes to /completions.
    ...(model.type === 'chat' ? ['is_chat_model=True'] : []),
    ...(llm && context_length !== null ? [`context_window=${context_length}`] : []),
    ...parameters.filter(isOwn).map(([name, value]) => `${name}=${literal(value)}`),
    ...(others.length > 0 ? [`additional_kwargs=${literal(Object.fromEntries(others))}`] : []),
    ...(caFile ? [`http_client=httpx.Client(verify=${quotedUnicode(caFile)})`] : []),
  ]
}

/** OpenAILike has arguments for these; the others go into additional_kwargs. */
function isOwn([name]: [string, unknown]): boolean {
  return name === 'max_tokens' || name === 'temperature'
}

function use({ call, model }: SnippetContext): string[] {
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
