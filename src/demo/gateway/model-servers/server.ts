import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerFor, type ModelServer } from './responses.js'

const servers: Record<string, ModelServer> = {
  granite: { type: 'chat', id: 'ibm-granite/granite-3.3-8b-instruct', context: 131072 },
  llama: { type: 'chat', id: 'meta-llama/Llama-3.3-70B-Instruct', context: 131072 },
  mistral: { type: 'chat', id: 'mistralai/Mistral-Small-3.2-24B', context: 131072 },
  qwen: { type: 'completion', id: 'Qwen/Qwen2.5-Coder-7B', context: 32768 },
  nomic: { type: 'embedding', id: 'nomic-ai/nomic-embed-text-v2-moe', context: 512 },
  bge: { type: 'rerank', id: 'BAAI/bge-reranker-v2-m3', context: 8192 },
  sdxl: { type: 'image', id: 'stabilityai/sdxl-turbo', context: 77 },
  whisper: { type: 'speech_to_text', id: 'openai/whisper-large-v3', context: 448 },
  kokoro: { type: 'text_to_speech', id: 'hexgrad/Kokoro-82M', context: 510 },
  tiny: { type: 'chat', id: '/mnt/models', context: 2048 },
  phi: { type: 'chat', id: 'microsoft/phi-4', context: 16384 },
  hidden: { type: 'chat', id: 'demo/hidden', context: 4096 },
  deepseek: { type: 'chat', id: 'deepseek-ai/DeepSeek-R1-Distill', context: 65536 },
  smollm: { type: 'chat', id: 'HuggingFaceTB/SmolLM2-1.7B', context: 8192 },
  research: { type: 'chat', id: 'research/preview-70b', context: 131072 },
  gemma: { type: 'chat', id: 'google/gemma-3-27b-it', context: 131072 },
  custom: { type: 'custom', id: 'demo/custom-predict', context: 0 },
  codestral: { type: 'chat', id: 'mistralai/Codestral-22B-v0.1', context: 32768 },
  falcon: { type: 'chat', id: 'tiiuae/Falcon3-7B', context: 32768 },
}

/** Small, deterministic OpenAI-compatible servers, one per first piece of the path. */
export function modelServer(): Server {
  return createServer((request, response) => void answer(request, response))
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://models')
  const [, name = '', ...rest] = url.pathname.split('/')
  const server = servers[name] ?? added(name)
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const found =
    server &&
    answerFor(
      server,
      request.method ?? 'GET',
      `/${rest.join('/')}`,
      request.headers['content-type'] ?? '',
      Buffer.concat(chunks),
    )
  if (!found) return void json(response, 404, { detail: 'Not Found' })
  if ('stream' in found) return stream(response, found.stream)
  if (Buffer.isBuffer(found.body))
    return void response
      .writeHead(found.status, { 'content-type': found.type ?? 'application/octet-stream' })
      .end(found.body)
  json(response, found.status, found.body)
}

function added(name: string): ModelServer | undefined {
  const n = /^added-(\d+)$/.exec(name)?.[1]
  return n ? { type: 'chat', id: `demo-org/Added-${n}`, context: 4096 } : undefined
}

async function stream(response: ServerResponse, events: object[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const event of events) {
    if (response.destroyed) return
    if (!response.write(`data: ${JSON.stringify(event)}\n\n`))
      await new Promise((resolve) => response.once('drain', resolve))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  response.end('data: [DONE]\n\n')
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
