import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export type Seal = ReturnType<typeof createSeal>

/**
 * AES-256-GCM over text, with a key of its own per secret and purpose (HKDF-SHA256). The first secret seals, all open, so
 * a secret can be replaced without signing anybody out. What was changed, or sealed for another purpose, opens as undefined.
 * `place` says where the sealed text is stored: a copy of it that was moved elsewhere opens as undefined too.
 */
export function createSeal(secrets: string[], purpose: string) {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, 'maas-portal', purpose, 32)))

  return {
    seal: (text: string, place?: string): string => sealBytes(Buffer.from(text, 'utf8'), place),
    open: (sealed: string, place?: string): string | undefined => openBytes(sealed, place)?.toString('utf8'),
    sealBytes,
    openBytes,
    sealObject: (value: object): string => sealBytes(Buffer.from(JSON.stringify(value), 'utf8')),
    openObject<T>(sealed: string | undefined): T | undefined {
      const bytes = sealed === undefined ? undefined : openBytes(sealed)
      return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as T)
    },
  }

  function sealBytes(bytes: Buffer, place?: string): string {
    const [key] = keys
    if (!key) throw new Error('no secret to seal with')
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(contextOf(place))
    const body = Buffer.concat([cipher.update(bytes), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
  }

  function openBytes(sealed: string, place?: string): Buffer | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < 28) return undefined
    for (const key of keys) {
      const opened = openWith(key, bytes, contextOf(place))
      if (opened !== undefined) return opened
    }
    return undefined
  }

  function contextOf(place: string | undefined): Buffer {
    return Buffer.from(place === undefined ? purpose : `${purpose}\n${place}`)
  }

  function openWith(key: Buffer, bytes: Buffer, context: Buffer): Buffer | undefined {
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
        .setAAD(context)
        .setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    } catch {
      return undefined
    }
  }
}
