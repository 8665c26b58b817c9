import { parametersOf } from '../../../model-calls/example-calls.js'
import { quotedWide } from '../languages/escape.js'
import { callLines, credentialOf, dictionary, gapLines, literal, modelOf } from '../languages/python.js'
import type { Client, Scene } from '../scene.js'
import { askLines, clientLines } from './python-openai.js'

const classes: Partial<Record<Scene['model']['type'], string>> = {
  chat: 'ChatOpenAI',
  completion: 'OpenAI',
  embedding: 'OpenAIEmbeddings',
}

export const langchainPython: Client = {
  client: 'langchain-python',
  group: 'Python',
  label: 'LangChain',
  language: 'python',
  note: 'Needs: pip install langchain-openai',
  limits: {
    types: ['chat', 'completion', 'embedding'],
    anyPath: false,
    encodesQuery: true,
    nearest: ['python-openai', 'python-requests'],
  },
  readers: ['templates', 'bash', 'python'],
  inShell: (code) => `python3 - <<'PY'\n${code}\nPY`,
  write(scene) {
    const { imports, before } = credentialOf(scene.carrier)
    const name = classes[scene.model.type] ?? ''
    // `OpenAI` of LangChain is another class than the client that is asked for the id
    const alias = scene.asks && name === 'OpenAI' ? 'OpenAI as Completions' : name
    const used = [...(scene.asks ? ['OpenAI'] : []), ...(scene.caFile ? ['DefaultHttpxClient'] : [])]
    return [
      'import os',
      ...imports,
      `from langchain_openai import ${alias}`,
      ...(used.length > 0 ? [`from openai import ${used.join(', ')}`] : []),
      '',
      ...before,
      ...(scene.asks ? [...clientLines(scene), ...askLines(scene)] : gapLines(scene)),
      ...callLines(`llm = ${alias.split(' ').at(-1)}`, options(scene)),
      ...use(scene),
    ].join('\n')
  },
}

function options(scene: Scene): string[] {
  const { call, carrier, caFile, model } = scene
  const { apiKey, headers, query } = credentialOf(carrier)
  return [
    `base_url=${quotedWide(call.base)}`,
    `api_key=${apiKey}`,
    `model=${modelOf(scene)}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    ...(query.length > 0 ? [`default_query=${dictionary(query)}`] : []),
    ...(caFile ? [`http_client=DefaultHttpxClient(verify=${quotedWide(caFile)})`] : []),
    ...parametersOf(call).map(([name, value]) => `${name}=${literal(value)}`),
    // without the first it loads a tokenizer from the internet and sends numbers instead of text
    ...(model.type === 'embedding'
      ? ['check_embedding_ctx_length=False', 'model_kwargs={"encoding_format": "float"}']
      : []),
  ]
}

function use({ call, model }: Scene): string[] {
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
