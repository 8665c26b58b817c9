import type { JsonBody } from './body-formats.js'

/** Calls of chat servers in addition to `/chat/completions` (OpenAI, vLLM, text-generation-inference, llama.cpp). */
const auxiliaryChatCalls = splitWords(
  'responses messages tokenize detokenize apply-template generate generate_stream count_tokens moderations batches files',
)

/**
 * Calls of other servers: KServe, Triton, MLflow, SageMaker, TorchServe, TEI, and pooling models of vLLM. The last two lines are
 * actions of custom services.
 */
const otherServiceCalls = splitWords(
  `predict predictions infer inference converse converse-stream invoke invocations explain classify classification detect detection segment ocr
  pooling similarity embed_all embed_sparse decode encode transcribe translate synthesize summarize extract parse
  analyze analyse process execute run query search recommend rank forecast evaluate upload convert render`,
)

/** Whether a path is a call that chat servers also have, such as `/v1/responses`. */
export function isAuxiliaryChatPath(path: string): boolean {
  return auxiliaryChatCalls.has(lastSegment(path))
}

/** Whether a path is a call that chat servers do not have: `/predict`, `/v2/models/iris/infer`, `/v1/iris:predict`. */
export function isOtherServicePath(path: string): boolean {
  const segments = path.split('/')
  return segments.some((segment) => otherServiceCalls.has(segment) || /[^:]:[a-z]\w+$/i.test(segment))
}

/** Example body of a known call without a model type. */
export interface OtherEndpointBody {
  body: JsonBody
  /** true: the body contains the model id */
  takesModel: boolean
  /** true: every server with this path accepts the body, so that it can be used as a test */
  isCertain: boolean
}

const NUMBERS = [5.1, 3.5, 1.4, 0.2]

/** Matched by the end of the path. */
const otherBodies: { ends: string; below?: string; example: OtherEndpointBody }[] = [
  // OpenAI's Responses API
  { ends: '/responses', example: { body: { input: 'Hello' }, takesModel: true, isCertain: true } },
  // Anthropic's Messages API, also in vLLM and llama.cpp
  {
    ends: '/messages',
    example: {
      body: { max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] },
      takesModel: true,
      isCertain: true,
    },
  },
  { ends: '/moderations', example: { body: { input: 'Hello' }, takesModel: true, isCertain: true } },
  // vLLM and Infinity
  { ends: '/classify', example: { body: { input: ['Hello'] }, takesModel: true, isCertain: false } },
  { ends: '/pooling', example: { body: { input: 'Hello' }, takesModel: true, isCertain: true } },
  // TEI
  { ends: '/embed_all', example: { body: { inputs: ['Hello'] }, takesModel: false, isCertain: true } },
  { ends: '/embed_sparse', example: { body: { inputs: ['Hello'] }, takesModel: false, isCertain: true } },
  {
    ends: '/similarity',
    example: {
      body: { inputs: { source_sentence: 'Hello', sentences: ['Good morning'] } },
      takesModel: false,
      isCertain: false,
    },
  },
  // Open Inference Protocol (KServe v2, Triton, MLServer, OpenVINO) and Triton's generate extension
  {
    ends: '/infer',
    below: '/models/',
    example: {
      body: { inputs: [{ name: 'input-0', shape: [1, NUMBERS.length], datatype: 'FP32', data: NUMBERS }] },
      takesModel: false,
      isCertain: false,
    },
  },
  ...['/generate', '/generate_stream'].map((ends) => ({
    ends,
    below: '/models/',
    example: { body: { text_input: 'Hello', max_tokens: 15 }, takesModel: false, isCertain: false },
  })),
  // TGI
  {
    ends: '/generate',
    example: { body: { inputs: 'Hello', parameters: { max_new_tokens: 15 } }, takesModel: false, isCertain: false },
  },
  // KServe v1 and TensorFlow Serving
  { ends: ':predict', example: { body: { instances: [NUMBERS] }, takesModel: false, isCertain: false } },
  { ends: ':explain', example: { body: { instances: [NUMBERS] }, takesModel: false, isCertain: false } },
  // Gemini's own API
  ...[':generateContent', ':streamGenerateContent'].map((ends) => ({
    ends,
    example: { body: { contents: [{ parts: [{ text: 'Hello' }] }] }, takesModel: false, isCertain: true },
  })),
  // Amazon Bedrock
  ...['/converse', '/converse-stream'].map((ends) => ({
    ends,
    below: '/model/',
    example: {
      body: { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] },
      takesModel: false,
      isCertain: true,
    },
  })),
]

/** The body of the call at this path; undefined for unknown calls. */
export function findOtherBody(path: string): OtherEndpointBody | undefined {
  return otherBodies.find(({ ends, below }) => path.endsWith(ends) && (below === undefined || path.includes(below)))
    ?.example
}

export function lastSegment(path: string): string {
  return path.split('/').at(-1) ?? ''
}

function splitWords(text: string): Set<string> {
  return new Set(text.split(/\s+/))
}
