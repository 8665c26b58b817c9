import addressparser from 'nodemailer/lib/addressparser'

export interface Mailbox {
  name: string
  address: string
}

/** For settings only, never for user input: a list of addresses, with or without names. */
export function mailboxesOf(setting: string): Mailbox[] {
  return addressparser(setting, { flatten: true }).map(({ name, address }) => ({ name, address }))
}
