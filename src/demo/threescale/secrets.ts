import { randomBytes } from 'node:crypto'

/** Secrets that no page, log or answer of a portal may ever show begin with this, so that a test can look for it. */
export const CANARY = '1ea15ec2e7'

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** A secret of so many bytes, in hexadecimal as 3scale has them. */
export function canary(bytes: number): string {
  return (CANARY + hex(bytes)).slice(0, bytes * 2)
}
