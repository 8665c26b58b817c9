import { randomBytes } from 'node:crypto'

/** The prefix of secrets that must not appear in any page, log or response of the portal, for which tests search. */
export const CANARY = '1ea15ec2e7'

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** A secret of so many bytes, in hexadecimal as 3scale has them. */
export function canary(bytes: number): string {
  return (CANARY + hex(bytes)).slice(0, bytes * 2)
}
