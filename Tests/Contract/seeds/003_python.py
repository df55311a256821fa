import requests
class ResellerAPI:
    def __init__(self, api_key):
        self.api_key = api_key
        self.base_url = 'https://api.proxies.sx/v1'
        self.headers = {
            'X-API-Key': api_key,
            'Content-Type': 'application/json'
        }
    def create_customer(self, email, name, port_slots=10):
        response = requests.post(
            f'{self.base_url}/reseller/customers',
            headers=self.headers,
            json={
                'email': email,
                'name': name,
                'allocatedPortSlots': port_slots
            }
        )
        return response.json()
    def create_proxy(self, customer_id, country_id, days=30):
        response = requests.post(
            f'{self.base_url}/reseller/ports',
            headers=self.headers,
            json={
                'customerId': customer_id,
                'countryId': country_id,
                'days': days
            }
        )
        return response.json()
    def rotate_proxy(self, port_id):
        response = requests.post(
            f'{self.base_url}/reseller/ports/{port_id}/rotate',
            headers=self.headers
        )
        return response.json()
# Usage
api = ResellerAPI('psx_your_key')
customer = api.create_customer('john@acme.com', 'John Smith')
proxy = api.create_proxy(customer['_id'], 'germany_country_id')
print(f"Proxy: {proxy['port']['serverIp']}:{proxy['port']['httpPort']}")
