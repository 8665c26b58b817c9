import { parametersOf } from '../../../model-calls/example-calls.js'
import { quoted } from '../languages/escape.js'
import { caLine, credentialOf, gapLines, key, literal, modelField, object } from '../languages/javascript.js'
import type { Client, Scene } from '../scene.js'
import { askLines, clientLines } from './js-openai.js'

const classes: Partial<Record<Scene['model']['type'], string>> = {
  chat: 'ChatOpenAI',
  completion: 'OpenAI',
  embedding: 'OpenAIEmbeddings',
}

export const langchainJs: Client = {
  client: 'langchain-js',
  group: 'JavaScript',
  label: 'LangChain',
  language: 'javascript',
  note: 'Needs Node.js and: npm install @langchain/openai @langchain/core',
  limits: {
    types: ['chat', 'completion', 'embedding'],
    anyPath: false,
    encodesQuery: true,
    nearest: ['js-openai', 'js-fetch'],
  },
  readers: ['templates', 'bash', 'javascript'],
  inShell: (code) => `node --input-type=module - <<'JS'\n${code}\nJS`,
  write(scene) {
    const { before } = credentialOf(scene.carrier)
    const name = classes[scene.model.type] ?? ''
    // `OpenAI` of LangChain is another class than the client that is asked for the id
    const alias = scene.asks && name === 'OpenAI' ? 'OpenAI as Completions' : name
    return [
      `import { ${alias} } from "@langchain/openai";`,
      ...(scene.asks ? ['import OpenAI from "openai";'] : []),
      '',
      ...caLine(scene),
      ...before,
      ...(scene.asks ? [...clientLines(scene), ...askLines(scene)] : gapLines(scene)),
      `const llm = new ${alias.split(' ').at(-1)}({`,
      ...optionLines(scene),
      '});',
      ...use(scene),
    ].join('\n')
  },
}

function optionLines(scene: Scene): string[] {
  const { call, carrier, model } = scene
  const { apiKey, headers, query } = credentialOf(carrier)
  return [
    modelField(scene),
    `  apiKey: ${apiKey},`,
    '  configuration: {',
    `    baseURL: ${quoted(call.base)},`,
    ...(headers.length > 0 ? [`    defaultHeaders: ${object(headers)},`] : []),
    ...(query.length > 0 ? [`    defaultQuery: ${object(query)},`] : []),
    '  },',
    ...parametersOf(call).map(([name, value]) => `  ${camel(name)}: ${literal(value)},`),
    ...(model.type === 'embedding' ? ['  encodingFormat: "float",'] : []),
    '  maxRetries: 0, // when a limit is used up, say so at once',
  ]
}

/** LangChain's own spelling: max_tokens is maxTokens. */
function camel(name: string): string {
  return key(name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
}

function use({ call, model }: Scene): string[] {
  const body = call.body ?? {}
  if (body.stream === true)
    return [
      `for await (const chunk of await llm.stream(${literal(body.messages ?? body.prompt)}))`,
      `  process.stdout.write(${model.type === 'chat' ? 'chunk.text' : 'chunk'});`,
      'console.log();',
    ]
  if (model.type === 'chat') return [`console.log((await llm.invoke(${literal(body.messages)})).content);`]
  if (model.type === 'completion') return [`console.log(await llm.invoke(${literal(body.prompt)}));`]
  return [
    `const vectors = await llm.embedDocuments(${literal(body.input)});`,
    'console.log(vectors.length, "vectors of", vectors[0].length);',
  ]
}
