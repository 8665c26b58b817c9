/** Sends this browser's time zone to the portal in a cookie. A usage page that had to guess it is then reloaded. */
export function sendTimeZone() {
  const name = location.protocol === 'https:' ? '__Host-maas_tz' : 'maas_tz'
  const hasCookie = () => document.cookie.split('; ').some((pair) => pair.startsWith(`${name}=`))
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!zone || hasCookie()) return
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in supported browsers
  document.cookie = `${name}=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
  const guessed = document.querySelector('[data-zone-guessed]')
  // If cookies are refused, reloading would never end.
  if (guessed && guessed.dataset.zone !== zone && hasCookie()) location.reload()
}
