const BASE_URL = "__BASE_URL__/reseller";
fetch(BASE_URL + "/myavailable?api_token=YOUR_API_KEY")
.then(res => res.json())
.then(console.log);

const BASE_URL = "__BASE_URL__/reseller";
fetch(BASE_URL + "/licenseinfo?api_token=YOUR_API_KEY&license=ps-XXXX-XXXXXXX-XXX")
.then(res => res.json())
.then(console.log);

const BASE_URL = "__BASE_URL__/reseller";
fetch(BASE_URL + "/fetchlicense?api_token=YOUR_API_KEY")
.then(res => res.json())
.then(console.log);

const BASE_URL = "__BASE_URL__/reseller";
fetch(BASE_URL + "/assignlicense", {
method: "POST",
headers: { "Content-Type": "application/json" },
body: JSON.stringify({
api_token: "YOUR_API_KEY",
license: "ps-XXXX-XXXXXXX-XXX",
discord_user_id: "123456789012345678"
})
})
.then(res => res.json())
.then(console.log);
