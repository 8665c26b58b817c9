import { patternTemplate } from '../../src/clients/threescale/tenant-rules/mapping-rules.js'
import type { Model } from '../../src/features/models/schemas.js'

const endings: Record<Model['type'], string> = {
  chat: '/chat/completions',
  completion: '/completions',
  embedding: '/embeddings',
  rerank: '/rerank',
  image: '/images/generations',
  speech_to_text: '/audio/transcriptions',
  text_to_speech: '/audio/speech',
  custom: '/predict',
}

export function pathsOf(type: Model['type'], prefix: string): Model['paths'] {
  const post = ruleOf('POST', `${type === 'custom' ? '' : prefix}${endings[type]}`)
  return type === 'custom' ? [post] : [post, ruleOf('GET', `${prefix}/models`)]
}

export function ruleOf(method: string, pattern: string): Model['paths'][number] {
  return { method, path: patternTemplate(pattern).path, pattern }
}

export function modelOf(members: Partial<Model>): Model {
  return {
    system_name: 'm',
    name: 'M',
    summary: '',
    description: '',
    type: 'chat',
    model_id: 'org/m',
    request_format: null,
    endpoint: 'https://m.example.com',
    base_url: 'https://m.example.com/v1',
    gateway_ready_at: null,
    context_length: null,
    capabilities: [],
    languages: [],
    license: null,
    owner: null,
    links: [],
    state: 'available',
    retires_on: null,
    successor: null,
    credentials: {
      mode: 'user_key',
      location: 'authorization',
      names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' },
    },
    can_select_plan: false,
    plan_required: false,
    plans: [],
    application_attributes: [],
    application_fields: [],
    paths: pathsOf('chat', '/v1'),
    token_url: null,
    sources: {},
    ...members,
  }
}
