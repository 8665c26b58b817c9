import { exampleParameters } from '../../../../model-calls/example-calls.js'
import { quoted } from '../../languages/escape.js'
import {
  caLine,
  credentialOf,
  instructionLines,
  javascriptClient,
  key,
  literal,
  modelField,
  object,
} from '../../languages/javascript.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'
import { clientLines, modelIdLines } from './js-openai.js'

const classes: Partial<Record<SnippetContext['model']['type'], string>> = {
  chat: 'ChatOpenAI',
  completion: 'OpenAI',
  embedding: 'OpenAIEmbeddings',
}

export const langchainJs: SnippetClient = {
  ...javascriptClient,
  client: 'langchain-js',
  label: 'LangChain',
  note: remarks.nodePackages('@langchain/openai @langchain/core'),
  limits: {
    types: ['chat', 'completion', 'embedding'],
    anyPath: false,
    encodesQuery: true,
    alternatives: ['js-openai', 'js-fetch'],
  },
  render(context) {
    const { before } = credentialOf(context.transport)
    const name = classes[context.model.type] ?? ''
    // LangChain's `OpenAI` is a different class than the client that queries the id.
    const alias = context.queriesModelId && name === 'OpenAI' ? 'OpenAI as Completions' : name
    return [
      `import { ${alias} } from "@langchain/openai";`,
      ...(context.queriesModelId ? ['import OpenAI from "openai";'] : []),
      '',
      ...caLine(context),
      ...before,
      ...(context.queriesModelId ? [...clientLines(context), ...modelIdLines(context)] : instructionLines(context)),
      `const llm = new ${alias.split(' ').at(-1)}({`,
      ...optionLines(context),
      '});',
      ...use(context),
    ].join('\n')
  },
}

function optionLines(context: SnippetContext): string[] {
  const { call, transport, model } = context
  const { apiKey, headers, query } = credentialOf(transport)
  return [
    modelField(context),
    `  apiKey: ${apiKey},`,
    '  configuration: {',
    `    baseURL: ${quoted(call.base)},`,
    ...(headers.length > 0 ? [`    defaultHeaders: ${object(headers)},`] : []),
    ...(query.length > 0 ? [`    defaultQuery: ${object(query)},`] : []),
    '  },',
    ...exampleParameters(call).map(([name, value]) => `  ${camel(name)}: ${literal(value)},`),
    ...(model.type === 'embedding' ? ['  encodingFormat: "float",'] : []),
    `  maxRetries: 0, // ${comments.noRetries}`,
  ]
}

/** LangChain's spelling: max_tokens is maxTokens. */
function camel(name: string): string {
  return key(name.replace(/_([a-z])/g, (_, character: string) => character.toUpperCase()))
}

function use({ call, model }: SnippetContext): string[] {
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
