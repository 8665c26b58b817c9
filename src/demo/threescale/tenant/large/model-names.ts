import type { Sketch } from '../product-definition.js'

interface Family {
  provider: string
  name: string
  type: Sketch['type']
  purpose: string
}

export interface NamedModel extends Family {
  system_name: string
  title: string
  modelId: string
  description: string
}

const family = (provider: string, name: string, type: Family['type'], purpose: string): Family => ({
  provider,
  name,
  type,
  purpose,
})

const families: Family[] = [
  family('ibm-granite', 'Granite 3.3', 'chat', 'business text, summaries and extraction'),
  family('meta-llama', 'Llama 3.3', 'chat', 'difficult questions, agents and long documents'),
  family('mistralai', 'Mistral Small 3.2', 'chat', 'fast multilingual chat with function calling'),
  family('nomic-ai', 'Nomic Embed', 'embedding', 'search and clustering of documents'),
  family('Qwen', 'Qwen3', 'chat', 'reasoning in a hundred languages'),
  family('google', 'Gemma 3', 'chat', 'chat on small accelerators'),
  family('microsoft', 'Phi 4', 'chat', 'mathematics and step-by-step reasoning'),
  family('BAAI', 'BGE Reranker', 'rerank', 'sorting search results by relevance'),
  family('deepseek-ai', 'DeepSeek R1 Distill', 'chat', 'reasoning that shows its steps'),
  family('nvidia', 'Nemotron', 'chat', 'agents that call tools'),
  family('tiiuae', 'Falcon 3', 'chat', 'general questions in four languages'),
  family('openai', 'Whisper', 'speech_to_text', 'transcripts of meetings and calls'),
  family('CohereLabs', 'Command R', 'chat', 'retrieval-augmented generation with citations'),
  family('bigcode', 'StarCoder 2', 'completion', 'completion of code in six hundred languages'),
  family('allenai', 'OLMo 2', 'chat', 'research with open data and weights'),
  family('stabilityai', 'Stable Diffusion', 'image', 'images from a description'),
  family('HuggingFaceTB', 'SmolLM 3', 'chat', 'tests and prototypes at low cost'),
  family('01-ai', 'Yi 1.5', 'chat', 'bilingual chat and translation'),
  family('intfloat', 'E5', 'embedding', 'multilingual semantic search'),
  family('mistralai', 'Codestral', 'completion', 'fill-in-the-middle completion in editors'),
  family('upstage', 'Solar', 'chat', 'documents and forms'),
  family('hexgrad', 'Kokoro', 'text_to_speech', 'natural speech in eight languages'),
  family('LGAI-EXAONE', 'EXAONE 3.5', 'chat', 'chat with a long context'),
  family('internlm', 'InternLM 3', 'chat', 'knowledge questions and tool use'),
  family('jinaai', 'Jina Embeddings', 'embedding', 'long documents and code search'),
  family('zai-org', 'GLM 4', 'chat', 'agents and web research'),
  family('databricks', 'DBRX', 'chat', 'questions about structured data'),
  family('Snowflake', 'Arctic', 'chat', 'SQL generation and data analysis'),
  family('black-forest-labs', 'FLUX', 'image', 'photorealistic images with readable text'),
  family('ai21labs', 'Jamba', 'chat', 'very long documents'),
  family('baidu', 'ERNIE 4.5', 'chat', 'bilingual chat and search'),
  family('speakleash', 'Bielik', 'chat', 'Polish text'),
  family('utter-project', 'EuroLLM', 'chat', 'all official languages of the European Union'),
  family('swiss-ai', 'Apertus', 'chat', 'open and compliant text generation'),
  family('mixedbread-ai', 'MXBAI Rerank', 'rerank', 'second stage of a search'),
  family('PleIAs', 'Pleias', 'chat', 'quotations from licensed sources'),
  family('Salesforce', 'xLAM', 'chat', 'function calling'),
  family('ByteDance', 'Seed OSS', 'chat', 'reasoning with a bounded budget'),
  family('ncbi', 'MedCPT', 'embedding', 'search in medical literature'),
  family('acme', 'Churn Predictor', 'custom', 'predictions about contracts'),
]
const sizes = ['1B', '3B', '8B', '24B']
const variants = ['Instruct', 'Base', 'Long Context', 'Finetuned for Support']
const precisions = ['BF16', 'FP8', 'INT8', 'INT4']
const teams = ['Research', 'Engineering', 'Sales', 'Finance', 'Legal', 'Operations', 'Support']
const regions = ['Frankfurt', 'Dublin', 'Ashburn', 'Singapore', 'São Paulo']

/** The same index gives the same model; neighbours are of different families. The names repeat after 2,560. */
export function modelAt(index: number): NamedModel {
  const of = families[index % families.length] as Family
  const rest = Math.floor(index / families.length)
  const size = sizes[rest % 4] ?? ''
  const variant = variants[Math.floor(rest / 4) % 4] ?? ''
  const precision = precisions[Math.floor(rest / 16) % 4] ?? ''
  const title = `${of.name} ${size} ${variant} ${precision}`
  const slug = title.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const description = [
    `${of.name} from ${of.provider}, ${size} parameters, suited to **${of.purpose}**.`,
    `Served with ${precision} weights in ${regions[index % regions.length]}, operated by ${teams[index % teams.length]}.`,
    `\n\nTags: ${of.type}, ${of.provider}, ${precision.toLowerCase()}, ${variant.toLowerCase()}.`,
  ].join(' ')
  return { ...of, system_name: slug, title, modelId: `${of.provider}/${title.replaceAll(' ', '-')}`, description }
}
