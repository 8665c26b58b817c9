import type { Stack } from './stack.js'

/** The controls of the demo's identity provider. */
export function createSignInService({ port }: Pick<Stack, 'port'>) {
  const identity = `http://127.0.0.1:${port + 2}`
  const tell = (method: string, path: string, body: unknown) =>
    fetch(identity + path, { method, body: JSON.stringify(body) })

  return {
    tell,
    /** Fields of its next tokens to set or remove (`src/demo/identity`). */
    forge: (forgery: object) => tell('PUT', '/_demo/forgery', forgery),
  }
}
