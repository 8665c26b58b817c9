import { everydayProducts } from './everyday-products.js'
import type { Sketch } from './sketch.js'

/** Products as deploy/3scale makes them: documented, promoted, one plan to take, a key where every client can send it. */
export const wellKeptProducts: Sketch[] = [
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
