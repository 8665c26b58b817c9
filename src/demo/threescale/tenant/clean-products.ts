import { everydayProducts } from './everyday-products.js'
import type { Sketch } from './product-definition.js'

/** Products as deploy/3scale creates them: documented, promoted, one available plan, a key where every client can send it. */
export const cleanProducts: Sketch[] = [
  ...everydayProducts
    .filter(({ system_name }) => ['granite-chat', 'llama-chat', 'nomic-embed', 'sdxl-image'].includes(system_name))
    .map((sketch): Sketch => ({ ...sketch, doc: 'id' })),
  {
    system_name: 'oidc-chat',
    name: 'Gemma 3 (OpenID Connect)',
    description: 'Called with short-lived tokens instead of a fixed key.',
    type: 'chat',
    version: 'oidc',
    server: 'gemma',
    modelId: 'google/gemma-3-27b-it',
    doc: 'id',
  },
]
