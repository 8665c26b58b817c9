export type JsonBody = Record<string, unknown>

/** The input of a request, independent of its format. Each type has its own members: `messages` for chat, `texts` for embeddings. */
export interface RequestContent {
  messages?: { role: string; content: unknown }[]
  /** for completions, images, and speech */
  prompt?: string
  texts?: string[]
  query?: string
  documents?: string[]
  /** `max_tokens`, `temperature`, `top_p`, under OpenAI's names */
  parameters?: JsonBody
}

/** Servers with a request body format of their own. */
export const formatNames = [
  'openai',
  'cohere',
  'tei',
  'tgi',
  'ollama',
  'llama_cpp',
  'sglang',
  'vllm',
  'nvidia',
] as const
export type FormatName = (typeof formatNames)[number]

/** A format of the request body. */
export interface BodyFormat {
  name: FormatName
  /** the member that identifies the format in an API document */
  mark: string
  /** true: the path is at the root of the server, never below `/v1` */
  native?: true
  /** true: the body takes no `model` */
  withoutModel?: true
  /** the body without the model id and without streaming */
  write(content: RequestContent): JsonBody
  /** members that request a stream */
  streaming?: JsonBody
}

const openaiStreaming = { stream: true, stream_options: { include_usage: true } }

/** OpenAI's chat format, which nearly all servers support. */
export const openaiChat: BodyFormat = {
  name: 'openai',
  mark: 'messages',
  write: ({ messages, parameters }) => ({ messages, ...parameters }),
  streaming: openaiStreaming,
}

export const openaiCompletion: BodyFormat = {
  name: 'openai',
  mark: 'prompt',
  write: ({ prompt, parameters }) => ({ prompt, ...parameters }),
  streaming: openaiStreaming,
}

/** ollama/ollama, docs/api.md: parameters are in `options`, and streaming is the default. */
export const ollamaChat: BodyFormat = {
  name: 'ollama',
  mark: 'messages',
  native: true,
  write: ({ messages, parameters }) => ({ messages, stream: false, ...optionsOf(parameters) }),
  streaming: { stream: true },
}

export const ollamaGenerate: BodyFormat = {
  name: 'ollama',
  mark: 'prompt',
  native: true,
  write: ({ prompt, parameters }) => ({ prompt, stream: false, ...optionsOf(parameters) }),
  streaming: { stream: true },
}

export const ollamaEmbed: BodyFormat = {
  name: 'ollama',
  mark: 'input',
  native: true,
  write: ({ texts }) => ({ input: texts }),
}

/** ggml-org/llama.cpp, tools/server/README.md: `POST /completion`, `POST /embedding`. */
export const llamaCppCompletion: BodyFormat = {
  name: 'llama_cpp',
  mark: 'prompt',
  native: true,
  withoutModel: true,
  write: ({ prompt, parameters }) => ({ prompt, ...renamed(parameters, { max_tokens: 'n_predict' }) }),
  streaming: { stream: true },
}

export const llamaCppEmbedding: BodyFormat = {
  name: 'llama_cpp',
  mark: 'content',
  native: true,
  withoutModel: true,
  write: ({ texts }) => ({ content: texts }),
}

/** huggingface/text-generation-inference, `POST /generate`. */
export const tgiGenerate: BodyFormat = {
  name: 'tgi',
  mark: 'inputs',
  native: true,
  withoutModel: true,
  write: ({ prompt, parameters }) => ({
    inputs: prompt,
    ...within('parameters', renamed(parameters, { max_tokens: 'max_new_tokens' })),
  }),
}

/** sgl-project/sglang, `POST /generate`. */
export const sglangGenerate: BodyFormat = {
  name: 'sglang',
  mark: 'text',
  native: true,
  withoutModel: true,
  write: ({ prompt, parameters }) => ({
    text: prompt,
    ...within('sampling_params', renamed(parameters, { max_tokens: 'max_new_tokens' })),
  }),
  streaming: { stream: true },
}

export const openaiEmbedding: BodyFormat = { name: 'openai', mark: 'input', write: ({ texts }) => ({ input: texts }) }

/** huggingface/text-embeddings-inference, router/src/http/types.rs. */
export const teiEmbed: BodyFormat = {
  name: 'tei',
  mark: 'inputs',
  native: true,
  withoutModel: true,
  write: ({ texts }) => ({ inputs: texts }),
}

export const cohereEmbed: BodyFormat = {
  name: 'cohere',
  mark: 'texts',
  native: true,
  write: ({ texts }) => ({ texts, input_type: 'search_document', embedding_types: ['float'] }),
}

/** The format of Cohere and Jina, which vLLM, llama.cpp, Infinity, LiteLLM, and others also support. */
export const cohereRerank: BodyFormat = {
  name: 'cohere',
  mark: 'documents',
  write: ({ query, documents }) => ({ query, documents }),
}

export const teiRerank: BodyFormat = {
  name: 'tei',
  mark: 'texts',
  native: true,
  withoutModel: true,
  write: ({ query, documents }) => ({ query, texts: documents }),
}

/** vLLM, which also accepts the newer names `queries` and `documents`. */
export const vllmScore: BodyFormat = {
  name: 'vllm',
  mark: 'text_1',
  write: ({ query, documents }) => ({ text_1: query, text_2: documents }),
}

/** NVIDIA NeMo Retriever, `POST /v1/ranking`. */
export const nvidiaRanking: BodyFormat = {
  name: 'nvidia',
  mark: 'passages',
  write: ({ query, documents = [] }) => ({ query: { text: query }, passages: documents.map((text) => ({ text })) }),
}

/** Without `response_format`, which some models reject. All of them return `url` or `b64_json`. */
export const openaiImage: BodyFormat = { name: 'openai', mark: 'prompt', write: ({ prompt }) => ({ prompt }) }

export const openaiSpeech: BodyFormat = {
  name: 'openai',
  mark: 'input',
  write: ({ prompt }) => ({ input: prompt, voice: 'alloy', response_format: 'wav' }),
}

/** A form with a recording, instead of JSON. */
export const openaiRecording: BodyFormat = { name: 'openai', mark: 'file', write: () => ({}) }

function optionsOf(parameters: JsonBody | undefined): JsonBody {
  return within('options', renamed(parameters, { max_tokens: 'num_predict' }))
}

function within(name: string, parameters: JsonBody): JsonBody {
  return Object.keys(parameters).length > 0 ? { [name]: parameters } : {}
}

function renamed(parameters: JsonBody = {}, names: Record<string, string>): JsonBody {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [names[name] ?? name, value]))
}
