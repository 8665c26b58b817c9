import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { deriveKeys, type Secrets } from './secrets.js'

export type Seal = ReturnType<typeof createSeal>

/**
 * AES-256-GCM with a key for each secret and purpose (HKDF-SHA256). The first secret seals and all secrets open, so a secret can be
 * replaced without signing users out. Text that was changed, or sealed for another purpose or context, opens as undefined. `context`
 * names where the sealed text is stored, so a copy elsewhere is useless. Throws without a secret.
 */
export function createSeal(secrets: Secrets, purpose: string) {
  const keys = deriveKeys(secrets, purpose)

  return {
    seal: (text: string, context?: string): string => sealBytes(Buffer.from(text, 'utf8'), context),
    open: (sealed: string, context?: string): string | undefined => openBytes(sealed, context)?.toString('utf8'),
    sealBytes,
    openBytes,
    sealObject: (value: object): string => sealBytes(Buffer.from(JSON.stringify(value), 'utf8')),
    openObject<T>(sealed: string | undefined): T | undefined {
      const bytes = sealed === undefined ? undefined : openBytes(sealed)
      return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as T)
    },
  }

  function sealBytes(bytes: Buffer, context?: string): string {
    const [key] = keys
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(authenticatedData(context))
    const body = Buffer.concat([cipher.update(bytes), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
  }

  function openBytes(sealed: string, context?: string): Buffer | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < 28) return undefined
    for (const key of keys) {
      const opened = openWith(key, bytes, authenticatedData(context))
      if (opened !== undefined) return opened
    }
    return undefined
  }

  function authenticatedData(context: string | undefined): Buffer {
    return Buffer.from(context === undefined ? purpose : `${purpose}\n${context}`)
  }

  function openWith(key: Buffer, bytes: Buffer, data: Buffer): Buffer | undefined {
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
        .setAAD(data)
        .setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    } catch {
      return undefined
    }
  }
}
