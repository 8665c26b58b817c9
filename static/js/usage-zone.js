/** Tells the portal this browser's time zone, once, by a cookie; a usage page that had to guess is then loaded again. */
export function tellZone() {
  const name = location.protocol === 'https:' ? '__Host-maas_tz' : 'maas_tz'
  const known = () => document.cookie.split('; ').some((pair) => pair.startsWith(`${name}=`))
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!zone || known()) return
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in some browsers that people use here
  document.cookie = `${name}=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
  const guessed = document.querySelector('[data-zone-guessed]')
  // where cookies are refused the guess stays, rather than a page that loads for ever
  if (guessed && guessed.dataset.zone !== zone && known()) location.reload()
}
