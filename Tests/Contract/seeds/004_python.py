import requests
BASE_URL = "__BASE_URL__/reseller"
response = requests.get(
BASE_URL + "/myavailable",
params={"api_token": "YOUR_API_KEY"}
)
print(response.json())

import requests
BASE_URL = "__BASE_URL__/reseller"
response = requests.get(
BASE_URL + "/licenseinfo",
params={
"api_token": "YOUR_API_KEY",
"license": "ps-XXXX-XXXXXXX-XXX"
}
)
print(response.json())

import requests
BASE_URL = "__BASE_URL__/reseller"
response = requests.get(
BASE_URL + "/fetchlicense",
params={"api_token": "YOUR_API_KEY"}
)
print(response.json())

import requests
BASE_URL = "__BASE_URL__/reseller"
response = requests.post(
BASE_URL + "/assignlicense",
json={
"api_token": "YOUR_API_KEY",
"license": "ps-XXXX-XXXXXXX-XXX",
"discord_user_id": "123456789012345678"
}
)
print(response.json())
