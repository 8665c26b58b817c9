import type { JsonBody } from './body-formats.js'

/** Calls that chat servers have besides `/chat/completions` (OpenAI, vLLM, text-generation-inference, llama.cpp). */
const besideChat = words(
  'responses messages tokenize detokenize apply-template generate generate_stream count_tokens moderations batches files',
)

/**
 * Calls of other servers: KServe, Triton, MLflow and SageMaker, TorchServe, TEI, vLLM's pooling models; then verbs that custom
 * services use, since the path of a model is a noun.
 */
const ofOtherServices = words(
  `predict predictions infer inference converse converse-stream invoke invocations explain classify classification detect detection segment ocr
  pooling similarity embed_all embed_sparse decode encode transcribe translate synthesize summarize extract parse
  analyze analyse process execute run query search recommend rank forecast evaluate upload convert render`,
)

/** Whether a path names a call that chat servers have too: `/v1/responses`. */
export function isBesideChat(path: string): boolean {
  return besideChat.has(lastOf(path))
}

/** Whether a path names a call that chat servers do not have: `/predict`, `/v2/models/iris/infer`, `/v1/iris:predict`. */
export function isCallOfOtherService(path: string): boolean {
  const pieces = path.split('/')
  return pieces.some((piece) => ofOtherServices.has(piece) || /[^:]:[a-z]\w+$/i.test(piece))
}

/** Example body of a known call that belongs to no model type. */
export interface OtherBody {
  body: JsonBody
  /** true: it takes the id of the model */
  takesModel: boolean
  /** true: every server that has this path accepts the body, so it can be sent as a test */
  isCertain: boolean
}

const NUMBERS = [5.1, 3.5, 1.4, 0.2]

/** By the last pieces of the path. */
const otherBodies: { ends: string; below?: string; known: OtherBody }[] = [
  // OpenAI's Responses API
  { ends: '/responses', known: { body: { input: 'Hello' }, takesModel: true, isCertain: true } },
  // Anthropic's Messages API, which vLLM and llama.cpp have too
  {
    ends: '/messages',
    known: {
      body: { max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] },
      takesModel: true,
      isCertain: true,
    },
  },
  { ends: '/moderations', known: { body: { input: 'Hello' }, takesModel: true, isCertain: true } },
  // vLLM and Infinity
  { ends: '/classify', known: { body: { input: ['Hello'] }, takesModel: true, isCertain: false } },
  { ends: '/pooling', known: { body: { input: 'Hello' }, takesModel: true, isCertain: true } },
  // TEI
  { ends: '/embed_all', known: { body: { inputs: ['Hello'] }, takesModel: false, isCertain: true } },
  { ends: '/embed_sparse', known: { body: { inputs: ['Hello'] }, takesModel: false, isCertain: true } },
  {
    ends: '/similarity',
    known: {
      body: { inputs: { source_sentence: 'Hello', sentences: ['Good morning'] } },
      takesModel: false,
      isCertain: false,
    },
  },
  // Open Inference Protocol (KServe v2, Triton, MLServer, OpenVINO) and Triton's generate extension
  {
    ends: '/infer',
    below: '/models/',
    known: {
      body: { inputs: [{ name: 'input-0', shape: [1, NUMBERS.length], datatype: 'FP32', data: NUMBERS }] },
      takesModel: false,
      isCertain: false,
    },
  },
  ...['/generate', '/generate_stream'].map((ends) => ({
    ends,
    below: '/models/',
    known: { body: { text_input: 'Hello', max_tokens: 15 }, takesModel: false, isCertain: false },
  })),
  // TGI
  {
    ends: '/generate',
    known: { body: { inputs: 'Hello', parameters: { max_new_tokens: 15 } }, takesModel: false, isCertain: false },
  },
  // KServe v1 and TensorFlow Serving
  { ends: ':predict', known: { body: { instances: [NUMBERS] }, takesModel: false, isCertain: false } },
  { ends: ':explain', known: { body: { instances: [NUMBERS] }, takesModel: false, isCertain: false } },
  // Gemini's own API
  ...[':generateContent', ':streamGenerateContent'].map((ends) => ({
    ends,
    known: { body: { contents: [{ parts: [{ text: 'Hello' }] }] }, takesModel: false, isCertain: true },
  })),
  // Amazon Bedrock
  ...['/converse', '/converse-stream'].map((ends) => ({
    ends,
    below: '/model/',
    known: {
      body: { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] },
      takesModel: false,
      isCertain: true,
    },
  })),
]

/** The body of the call at this path; undefined where the call is not known. */
export function otherBodyAt(path: string): OtherBody | undefined {
  return otherBodies.find(({ ends, below }) => path.endsWith(ends) && (below === undefined || path.includes(below)))
    ?.known
}

export function lastOf(path: string): string {
  return path.split('/').at(-1) ?? ''
}

function words(text: string): Set<string> {
  return new Set(text.split(/\s+/))
}
