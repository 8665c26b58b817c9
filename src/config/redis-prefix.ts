/** Every key and channel in Redis starts with it. */
export const PREFIX = 'maas'
