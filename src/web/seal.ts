import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export type Seal = ReturnType<typeof createSeal>

/**
 * AES-256-GCM over text, with a key of its own per secret and purpose (HKDF-SHA256). The first secret seals, all open, so
 * a secret can be replaced without signing anybody out. What was changed, or sealed for another purpose, opens as undefined.
 */
export function createSeal(secrets: string[], purpose: string) {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, 'maas-portal', purpose, 32)))
  const context = Buffer.from(purpose)

  return {
    seal(text: string): string {
      const [key] = keys
      if (!key) throw new Error('no secret to seal with')
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed: string): string | undefined {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < 28) return undefined
      for (const key of keys) {
        const text = openWith(key, bytes)
        if (text !== undefined) return text
      }
      return undefined
    },
    sealObject(value: object): string {
      return this.seal(JSON.stringify(value))
    },
    openObject<T>(sealed: string | undefined): T | undefined {
      const text = sealed === undefined ? undefined : this.open(sealed)
      return text === undefined ? undefined : (JSON.parse(text) as T)
    },
  }

  function openWith(key: Buffer, bytes: Buffer): string | undefined {
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
        .setAAD(context)
        .setAuthTag(bytes.subarray(12, 28))
      return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      return undefined
    }
  }
}
