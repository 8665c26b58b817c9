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

const classes: Partial<Record<SnippetContext['model']['type'], string>> = {
  chat: 'ChatOpenAI',
  completion: 'OpenAI',
  embedding: 'OpenAIEmbeddings',
}

export const langchainPython: SnippetClient = {
  ...pythonClient,
  client: 'langchain-python',
  label: 'LangChain',
  note: remarks.requires('pip install langchain-openai'),
  limits: {
    types: ['chat', 'completion', 'embedding'],
    anyPath: false,
    encodesQuery: true,
    alternatives: ['python-openai', 'python-requests'],
  },
  render(context) {
    const { imports, before } = credentialOf(context.transport)
    const name = classes[context.model.type] ?? ''
    // LangChain's `OpenAI` is a different class than the client that queries the id.
    const alias = context.queriesModelId && name === 'OpenAI' ? 'OpenAI as Completions' : name
    const used = [...(context.queriesModelId ? ['OpenAI'] : []), ...(context.caFile ? ['DefaultHttpxClient'] : [])]
    return [
      'import os',
      ...imports,
      `from langchain_openai import ${alias}`,
      ...(used.length > 0 ? [`from openai import ${used.join(', ')}`] : []),
      '',
      ...before,
      ...(context.queriesModelId ? [...clientLines(context), ...modelIdLines(context)] : instructionLines(context)),
      ...callLines(`llm = ${alias.split(' ').at(-1)}`, options(context)),
      ...use(context),
    ].join('\n')
  },
}

function options(context: SnippetContext): string[] {
  const { call, transport, caFile, model } = context
  const { apiKey, headers, query } = credentialOf(transport)
  return [
    `base_url=${quotedUnicode(call.base)}`,
    `api_key=${apiKey}`,
    `model=${modelOf(context)}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    ...(query.length > 0 ? [`default_query=${dictionary(query)}`] : []),
    ...(caFile ? [`http_client=DefaultHttpxClient(verify=${quotedUnicode(caFile)})`] : []),
    ...exampleParameters(call).map(([name, value]) => `${name}=${literal(value)}`),
    // Without the first option, it loads a tokenizer from the internet and sends numbers instead of text.
    ...(model.type === 'embedding'
      ? ['check_embedding_ctx_length=False', 'model_kwargs={"encoding_format": "float"}']
      : []),
  ]
}

function use({ call, model }: SnippetContext): string[] {
  const body = call.body ?? {}
  if (body.stream === true)
    return [
      `for chunk in llm.stream(${literal(body.messages ?? body.prompt)}):`,
      `    print(${model.type === 'chat' ? 'chunk.content' : 'chunk'}, end="", flush=True)`,
      'print()',
    ]
  if (model.type === 'chat') return [`print(llm.invoke(${literal(body.messages)}).content)`]
  if (model.type === 'completion') return [`print(llm.invoke(${literal(body.prompt)}))`]
  return [`vectors = llm.embed_documents(${literal(body.input)})`, 'print(len(vectors), "vectors of", len(vectors[0]))']
}
